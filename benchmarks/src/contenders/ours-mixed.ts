import { infoManagers } from './info-managers.ts';
import { serveOurs } from './serve-ours.ts';

export default serveOurs(infoManagers.mixed());
