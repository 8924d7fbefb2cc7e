import { upstash } from './info-makers.ts';
import { serveOurs } from './serve-ours.ts';

export default serveOurs(upstash());
