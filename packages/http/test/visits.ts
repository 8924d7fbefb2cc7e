import type { RecordedDeployment } from './recorded-work.ts';
import type { Sent, Visitor } from './visitor.ts';

const HOUR_MS = 60 * 60 * 1000;
const YES = { action: 'accept', content: { sure: true } };

/** What a client does, with an answer for each of its requests that is read to its end or left. */
export interface Visit {
	/** Whether a session is opened before; it is unless this says no. */
	readonly needsSession?: boolean;
	readonly pay: (
		visitor: Visitor,
		session: string,
		deployment: RecordedDeployment,
	) => Promise<void>;
}

/** A request that is sent and answered, and nothing else. */
function exchange(message: Sent, headers: Readonly<Record<string, string>> = {}): Visit {
	return { pay: async (visitor, session) => (await visitor.post(session, message, headers)).end() };
}

const call = (name: string, headers?: Readonly<Record<string, string>>): Visit =>
	exchange({ id: 1, method: 'tools/call', params: { name, arguments: { ms: 20 } } }, headers);

const subscribe: Sent = { id: 1, method: 'resources/subscribe', params: { uri: 'test://a' } };
const LISTEN = {
	notifications: { toolsListChanged: true, resourceSubscriptions: ['test://a'] },
};

/** Every kind of request there is, and every kind of end. */
export const visits: Readonly<Record<string, Visit>> = {
	initialize: { needsSession: false, pay: async (visitor) => void (await visitor.initialize()) },
	'a call that is answered at once': call('answer'),
	'a call that takes its time': call('work'),
	'a call that is answered with JSON': call('work', { accept: 'application/json' }),
	'a call that fails': call('throw'),
	'a call that raises changes': call('tell'),
	subscribe: exchange(subscribe),
	unsubscribe: exchange({ ...subscribe, method: 'resources/unsubscribe' }),
	setLevel: exchange({ id: 1, method: 'logging/setLevel', params: { level: 'debug' } }),
	'a notification': exchange({ method: 'notifications/initialized' }),
	'a notification that makes the server ask': exchange({
		method: 'notifications/roots/list_changed',
	}),
	'an answer that nobody waits for': exchange({ id: 'none', result: YES }),
	'a cancellation of what is over': exchange({
		method: 'notifications/cancelled',
		params: { requestId: 1 },
	}),
	'an unknown method': exchange({ id: 1, method: 'none' }),
	'what is no message': exchange({}),
	'a type that is not taken': exchange({ id: 1, method: 'ping' }, { accept: 'image/png' }),
	'a forged id': {
		pay: async (visitor, session) =>
			(await visitor.post(`${session.slice(0, -4)}AAAA`, { id: 1, method: 'ping' })).end(),
	},
	'a session that is used for long': {
		async pay(visitor, session, { clock }) {
			clock.advance(20 * HOUR_MS);
			await (await visitor.call(session, 'answer')).end();
		},
	},
	'a change for a subscriber': {
		async pay(visitor, session) {
			await (await visitor.post(session, subscribe)).end();
			const stream = await visitor.send('GET', { 'mcp-session-id': session });
			await (await visitor.call(session, 'tell')).end();
			await stream.leave();
		},
	},
	'a stream that is left': {
		async pay(visitor, session) {
			const stream = await visitor.send('GET', { 'mcp-session-id': session });
			await stream.until('connected');
			await stream.leave();
		},
	},
	'a session that is ended while it listens': {
		async pay(visitor, session) {
			const stream = await visitor.send('GET', { 'mcp-session-id': session });
			const ending = await visitor.send('DELETE', { 'mcp-session-id': session });
			await ending.end();
			// Where the end failed, the stream is still there.
			if (ending.status !== 200) await stream.leave();
			await stream.end();
		},
	},
	'a question that is answered': {
		async pay(visitor, session) {
			const asking = await visitor.call(session, 'ask');
			const id = await asking.question();
			await (await visitor.post(session, { id, result: YES })).end();
			await asking.end();
		},
	},
	'a question that nobody answers': call('ask'),
	'a question whose tool does not wait': call('forget'),
	'a question whose client leaves': {
		async pay(visitor, session) {
			const asking = await visitor.call(session, 'ask');
			await asking.question();
			await asking.leave();
		},
	},
	'a question whose client leaves and answers': {
		async pay(visitor, session) {
			const asking = await visitor.call(session, 'ask');
			const id = await asking.question();
			await asking.leave();
			await (await visitor.post(session, { id, result: YES })).end();
		},
	},
	'a question whose call is cancelled': {
		async pay(visitor, session) {
			const asking = await visitor.call(session, 'ask');
			await asking.question();
			const params = { requestId: 1 };
			await (await visitor.post(session, { method: 'notifications/cancelled', params })).end();
			await asking.end();
		},
	},
	'a call whose client leaves': {
		async pay(visitor, session) {
			await (await (await visitor.call(session, 'work', { ms: 20 })).until('begun')).leave();
		},
	},
	'a call that is cancelled': {
		async pay(visitor, session) {
			const working = await visitor.call(session, 'work', { ms: 20 });
			const params = { requestId: 1 };
			await (await visitor.post(session, { method: 'notifications/cancelled', params })).end();
			await working.end();
		},
	},
	'a call so long that it can be reached from everywhere': {
		pay: async (visitor, session) => (await visitor.call(session, 'work', { ms: 1_200 })).end(),
	},
	'a long call whose client leaves': {
		async pay(visitor, session) {
			await (await (await visitor.call(session, 'work', { ms: 1_200 })).until('begun')).leave();
		},
	},
	'a request whose client aborts': {
		async pay(visitor, session) {
			const abort = new AbortController();
			const params = { name: 'work', arguments: { ms: 20 } };
			const sending = visitor.post(
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
		pay: async (visitor) => (await visitor.postStateless('tools/call', { name: 'answer' })).end(),
	},
	'a stateless question': {
		needsSession: false,
		pay: async (visitor) => (await visitor.postStateless('tools/call', { name: 'ask' })).end(),
	},
	'a stateless call that raises changes': {
		needsSession: false,
		pay: async (visitor) => (await visitor.postStateless('tools/call', { name: 'tell' })).end(),
	},
	'a stateless call whose client leaves': {
		needsSession: false,
		async pay(visitor) {
			const params = { name: 'work', arguments: { ms: 20 }, _meta: { progressToken: 1 } };
			await (await visitor.postStateless('tools/call', params)).leave();
		},
	},
	'a listener that hears and leaves': {
		needsSession: false,
		async pay(visitor) {
			const listening = await visitor.postStateless('subscriptions/listen', LISTEN);
			await listening.until('acknowledged');
			await (await visitor.postStateless('tools/call', { name: 'tell' })).end();
			await listening.leave();
		},
	},
	'a listener whose client aborts': {
		needsSession: false,
		async pay(visitor) {
			const abort = new AbortController();
			const listening = await visitor.postStateless('subscriptions/listen', LISTEN, abort.signal);
			await listening.until('acknowledged');
			abort.abort();
			await listening.end();
		},
	},
};
