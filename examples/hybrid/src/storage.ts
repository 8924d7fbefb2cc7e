export { SessionShard } from '@tmcp-sessions/info-durable-object';
export { SyncLayer } from '@tmcp-sessions/streams-durable-object';

/** Only its Durable Objects are used. */
export default {
	fetch: () => new Response(null, { status: 404 }),
} satisfies ExportedHandler;
