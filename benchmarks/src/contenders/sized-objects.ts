import { SyncLayer } from '@tmcp-sessions/streams-durable-object';
import { SyncLayer as UpstreamSyncLayer } from '@tmcp/session-manager-durable-objects';

// An object for each number of streams, so that all are there at once: each class has a binding.

export class OursA extends SyncLayer {}
export class OursB extends SyncLayer {}
export class OursC extends SyncLayer {}
export class OursD extends SyncLayer {}
export class UpstreamA extends UpstreamSyncLayer {}
export class UpstreamB extends UpstreamSyncLayer {}
export class UpstreamC extends UpstreamSyncLayer {}
export class UpstreamD extends UpstreamSyncLayer {}

export default { fetch: (): Response => new Response('Not found', { status: 404 }) };
