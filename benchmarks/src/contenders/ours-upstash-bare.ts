import { infoManagers } from './info-managers.ts';
import { serveOursBare } from './serve-ours.ts';

export default serveOursBare(infoManagers.upstash);
