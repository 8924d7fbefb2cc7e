import { cached } from './info-makers.ts';
import { serveOursBare } from './serve-ours.ts';

export default serveOursBare(cached);
