import type { Message, PlatformClient } from './platform-client.ts';
import type { RecordedDeployment } from './recorded-deployment.ts';

const HOUR_MS = 60 * 60 * 1000;
const YES = { action: 'accept', content: { sure: true } };

/** The requests of a client; each response is read to its end, or its client disconnects. */
export interface Scenario {
	/** Whether to open a session first; true by default. */
	readonly needsSession?: boolean;
	readonly run: (
		client: PlatformClient,
		session: string,
		deployment: RecordedDeployment,
	) => Promise<void>;
}

/** Sends one request and reads its response. */
function exchange(message: Message, headers: Readonly<Record<string, string>> = {}): Scenario {
	return { run: async (client, session) => (await client.post(session, message, headers)).end() };
}

const call = (name: string, headers?: Readonly<Record<string, string>>): Scenario =>
	exchange({ id: 1, method: 'tools/call', params: { name, arguments: { ms: 20 } } }, headers);

const subscribe: Message = { id: 1, method: 'resources/subscribe', params: { uri: 'test://a' } };
const LISTEN = {
	notifications: { toolsListChanged: true, resourceSubscriptions: ['test://a'] },
};

/** Every kind of request, with every way to end it. */
export const scenarios: Readonly<Record<string, Scenario>> = {
	initialize: { needsSession: false, run: async (client) => void (await client.initialize()) },
	'a call that returns at once': call('return'),
	'a call that takes a while': call('work'),
	'a call with a JSON response': call('work', { accept: 'application/json' }),
	'a call that fails': call('throw'),
	'a call that announces changes': call('notify'),
	subscribe: exchange(subscribe),
	unsubscribe: exchange({ ...subscribe, method: 'resources/unsubscribe' }),
	setLevel: exchange({ id: 1, method: 'logging/setLevel', params: { level: 'debug' } }),
	'a notification': exchange({ method: 'notifications/initialized' }),
	'a notification that makes the server send a request': exchange({
		method: 'notifications/roots/list_changed',
	}),
	'a client response without a server request': exchange({ id: 'none', result: YES }),
	'a cancellation of a finished call': exchange({
		method: 'notifications/cancelled',
		params: { requestId: 1 },
	}),
	'an unknown method': exchange({ id: 1, method: 'none' }),
	'an invalid message': exchange({}),
	'an unacceptable media type': exchange({ id: 1, method: 'ping' }, { accept: 'image/png' }),
	'a forged id': {
		run: async (client, session) =>
			(await client.post(`${session.slice(0, -4)}AAAA`, { id: 1, method: 'ping' })).end(),
	},
	'a session that is extended': {
		async run(client, session, { clock }) {
			clock.advance(20 * HOUR_MS);
			await (await client.call(session, 'return')).end();
		},
	},
	'an update of a subscribed resource': {
		async run(client, session) {
			await (await client.post(session, subscribe)).end();
			const stream = await client.send('GET', { 'mcp-session-id': session });
			await (await client.call(session, 'notify')).end();
			await stream.disconnect();
		},
	},
	'a stream whose client disconnects': {
		async run(client, session) {
			const stream = await client.send('GET', { 'mcp-session-id': session });
			await stream.readUntil('connected');
			await stream.disconnect();
		},
	},
	'a session that ends with an open stream': {
		async run(client, session) {
			const stream = await client.send('GET', { 'mcp-session-id': session });
			const ended = await client.send('DELETE', { 'mcp-session-id': session });
			await ended.end();
			// If DELETE failed, the stream is still open.
			if (ended.status !== 200) await stream.disconnect();
			await stream.end();
		},
	},
	'an elicitation with a client response': {
		async run(client, session) {
			const response = await client.call(session, 'elicit');
			const id = await response.elicitationId();
			await (await client.post(session, { id, result: YES })).end();
			await response.end();
		},
	},
	'an elicitation that times out': call('elicit'),
	'an elicitation that its tool does not await': call('elicit-unawaited'),
	'an elicitation whose client disconnects': {
		async run(client, session) {
			const response = await client.call(session, 'elicit');
			await response.elicitationId();
			await response.disconnect();
		},
	},
	'an elicitation whose client disconnects and responds': {
		async run(client, session) {
			const response = await client.call(session, 'elicit');
			const id = await response.elicitationId();
			await response.disconnect();
			await (await client.post(session, { id, result: YES })).end();
		},
	},
	'an elicitation whose call is cancelled': {
		async run(client, session) {
			const response = await client.call(session, 'elicit');
			await response.elicitationId();
			const params = { requestId: 1 };
			await (await client.post(session, { method: 'notifications/cancelled', params })).end();
			await response.end();
		},
	},
	'a call whose client disconnects': {
		async run(client, session) {
			await (
				await (await client.call(session, 'work', { ms: 20 })).readUntil('begun')
			).disconnect();
		},
	},
	'a call that is cancelled': {
		async run(client, session) {
			const response = await client.call(session, 'work', { ms: 20 });
			const params = { requestId: 1 };
			await (await client.post(session, { method: 'notifications/cancelled', params })).end();
			await response.end();
		},
	},
	'a call that is long enough to open its inbox': {
		run: async (client, session) => (await client.call(session, 'work', { ms: 1_200 })).end(),
	},
	'a long call whose client disconnects': {
		async run(client, session) {
			await (
				await (await client.call(session, 'work', { ms: 1_200 })).readUntil('begun')
			).disconnect();
		},
	},
	'a request whose client aborts': {
		async run(client, session) {
			const abort = new AbortController();
			const params = { name: 'work', arguments: { ms: 20 } };
			const sending = client.post(
				session,
				{ id: 1, method: 'tools/call', params },
				{},
				abort.signal,
			);
			abort.abort();
			await (await sending).end();
		},
	},
	'a stateless call': {
		needsSession: false,
		run: async (client) => (await client.postStateless('tools/call', { name: 'return' })).end(),
	},
	'a stateless elicitation': {
		needsSession: false,
		run: async (client) => (await client.postStateless('tools/call', { name: 'elicit' })).end(),
	},
	'a stateless call that announces changes': {
		needsSession: false,
		run: async (client) => (await client.postStateless('tools/call', { name: 'notify' })).end(),
	},
	'a stateless call whose client disconnects': {
		needsSession: false,
		async run(client) {
			const params = { name: 'work', arguments: { ms: 20 }, _meta: { progressToken: 1 } };
			await (await client.postStateless('tools/call', params)).disconnect();
		},
	},
	'a subscription that receives a change and ends': {
		needsSession: false,
		async run(client) {
			const subscription = await client.postStateless('subscriptions/listen', LISTEN);
			await subscription.readUntil('acknowledged');
			await (await client.postStateless('tools/call', { name: 'notify' })).end();
			await subscription.disconnect();
		},
	},
	'a subscription whose client aborts': {
		needsSession: false,
		async run(client) {
			const abort = new AbortController();
			const subscription = await client.postStateless('subscriptions/listen', LISTEN, abort.signal);
			await subscription.readUntil('acknowledged');
			abort.abort();
			await subscription.end();
		},
	},
};
