import { mixed } from './info-makers.ts';
import { serveOursBare } from './serve-ours.ts';

export default serveOursBare(mixed);
