import { kv } from './info-makers.ts';
import { serveGrowing } from './serve-growing.ts';

export default serveGrowing(kv());
