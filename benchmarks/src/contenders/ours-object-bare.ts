import { durableObject } from './info-makers.ts';
import { serveOursBare } from './serve-ours.ts';

export default serveOursBare(durableObject);
