// Floors: Workers without any of our packages. A call is `receive` of tmcp and the one operation on
// storage that it needs, so no session manager over the same storage can do less.
import { DurableObject, env } from 'cloudflare:workers';
import type { McpServer } from 'tmcp';
import { createServer } from './server.ts';

type Message = Parameters<McpServer['receive']>[0] & { params?: Record<string, unknown> };
/** What the server returns for a message: JSON, or nothing for a notification. */
type Received = string | undefined;

/** Sessions and the server: in the Worker, or in an object. */
interface Floor {
	open(message: string): Promise<readonly [session: string, response: Received]>;
	/** Returns null if the session is unknown. */
	receive(session: string, message: string): Promise<Received | null>;
	end(session: string): unknown;
}

/** Creates the Worker of a floor. */
function workerOf(floor: Floor) {
	return {
		async fetch(request: Request): Promise<Response> {
			const session = request.headers.get('mcp-session-id');
			if (request.method === 'POST' && session !== null) {
				const response = await floor.receive(session, await request.text());
				return response === null ? new Response(null, { status: 404 }) : event(response);
			}
			if (request.method === 'POST') {
				const [id, response] = await floor.open(await request.text());
				return event(response, { 'mcp-session-id': id });
			}
			if (request.method !== 'DELETE') return new Response(null, { status: 405 });
			await floor.end(session ?? '');
			return new Response();
		},
	};
}

/** Returns a response in the format of the transport. */
function event(json: Received, headers?: Record<string, string>): Response {
	if (json === undefined) return new Response(null, { status: 202 });
	return new Response(`event: message\ndata: ${json}\n\n`, {
		headers: { 'content-type': 'text/event-stream', ...headers },
	});
}

/** Returns what `initialize` says about the client. */
function recordOf({ params }: Message): string {
	const { clientInfo, capabilities: clientCapabilities } = params ?? {};
	return JSON.stringify({ clientInfo, clientCapabilities });
}

async function receive(server: McpServer, message: Message, context: object): Promise<Received> {
	const response: object | null | undefined = await server.receive(message, context);
	return response ? JSON.stringify(response) : undefined;
}

/** The record of a session: one operation for each kind of request. */
interface Store {
	write(session: string, record: string): unknown;
	read(session: string): string | null | Promise<string | null>;
	end(session: string): unknown;
	/** Returns the id of a new session. Default: a random one. */
	issue?(record: string): Promise<string>;
}

/** Creates a Worker with the server in it. */
function floor(store: Store) {
	const server = createServer();
	return workerOf({
		async open(text) {
			const message: Message = JSON.parse(text);
			const record = recordOf(message);
			const sessionId = (await store.issue?.(record)) ?? crypto.randomUUID();
			await store.write(sessionId, record);
			return [sessionId, await receive(server, message, { sessionId })];
		},
		async receive(sessionId, text) {
			const record = await store.read(sessionId);
			if (record === null) return null;
			const sessionInfo: unknown = JSON.parse(record);
			return receive(server, JSON.parse(text), { sessionId, sessionInfo });
		},
		end: (session) => store.end(session),
	});
}

/** Creates a Worker with the server in an object of each session: one RPC for each request. */
export function sessionObjectFloor() {
	const object = (session: string) => env.FLOOR_OBJECT.get(env.FLOOR_OBJECT.idFromString(session));
	return workerOf({
		async open(message) {
			const id = env.FLOOR_OBJECT.newUniqueId();
			return [id.toString(), await env.FLOOR_OBJECT.get(id).open(message)];
		},
		receive: (session, message) => object(session).receive(message),
		end: (session) => object(session).end(),
	});
}

/** The object of a session: the server, and the record as one row. */
export class FloorObject extends DurableObject {
	readonly #server = createServer();
	#record: string | undefined;

	open(text: string): Promise<Received> {
		const message: Message = JSON.parse(text);
		this.#record = recordOf(message);
		this.ctx.storage.kv.put('record', this.#record);
		return receive(this.#server, message, { sessionId: this.ctx.id.toString() });
	}

	async receive(text: string): Promise<Received | null> {
		this.#record ??= this.ctx.storage.kv.get<string>('record');
		if (this.#record === undefined) return null;
		const sessionInfo: unknown = JSON.parse(this.#record);
		const sessionId = this.ctx.id.toString();
		return receive(this.#server, JSON.parse(text), { sessionId, sessionInfo });
	}

	async end(): Promise<void> {
		this.#record = undefined;
		await this.ctx.storage.deleteAll();
	}
}

const records = new Map<string, string>();
const memory: Store = {
	write: (session, record) => records.set(session, record),
	read: (session) => records.get(session) ?? null,
	end: (session) => records.delete(session),
};

const kv: Store = {
	write: (session, record) => env.TMCP_SESSION_INFO.put(session, record),
	read: (session) => env.TMCP_SESSION_INFO.get(session),
	end: (session) => env.TMCP_SESSION_INFO.delete(session),
};

const rows = () => env.BARE_OBJECT.getByName('bare');
/** One row in an object that all sessions share. */
const object: Store = {
	write: (session, record) => rows().write(session, record),
	read: (session) => rows().read(session),
	end: (session) => rows().remove(session),
};

/** The client in KV, the rest in the object. A call reads both in parallel. */
const mixed: Store = {
	write: (session, record) =>
		Promise.all([kv.write(session, record), object.write(session, record)]),
	read: async (session) => (await Promise.all([kv.read(session), object.read(session)]))[0],
	end: (session) => Promise.all([kv.end(session), object.end(session)]),
};

/** The same, with a copy of everything in KV for calls. */
const cached: Store = { ...mixed, read: kv.read };

/** Sends one command by Upstash's REST protocol. */
async function redis(...command: string[]): Promise<string | null> {
	const response = await fetch(env.UPSTASH_REDIS_REST_URL ?? '', {
		method: 'POST',
		headers: { authorization: `Bearer ${env.UPSTASH_REDIS_REST_TOKEN}` },
		body: JSON.stringify(command),
	});
	return (await response.json<{ result: string | null }>()).result;
}
const upstash: Store = {
	write: (session, record) => redis('SET', session, record),
	read: (session) => redis('GET', session),
	end: (session) => redis('DEL', session),
};

const IV_BYTES = 12;
const importAesKey = (raw: Uint8Array) =>
	crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']);
let aesKey: ReturnType<typeof importAesKey> | undefined;
const key = () => (aesKey ??= importAesKey(new Uint8Array(32)));
/** The id is the record, encrypted. An isolate decrypts it once. */
const sealed: Store = {
	async issue(record) {
		const iv = crypto.getRandomValues(Buffer.alloc(IV_BYTES));
		const algorithm = { name: 'AES-GCM', iv };
		const cipher = await crypto.subtle.encrypt(algorithm, await key(), Buffer.from(record));
		return Buffer.concat([iv, Buffer.from(cipher)]).toString('base64url');
	},
	write: () => undefined,
	async read(session) {
		const bytes = Buffer.from(session, 'base64url');
		const algorithm = { name: 'AES-GCM', iv: bytes.subarray(0, IV_BYTES) };
		const open = async () =>
			crypto.subtle.decrypt(algorithm, await key(), bytes.subarray(IV_BYTES));
		const record = records.get(session) ?? Buffer.from(await open()).toString();
		records.set(session, record);
		return record;
	},
	end: () => undefined,
};

// One function for each store, which a contender names.
export const memoryFloor = () => floor(memory);
export const kvFloor = () => floor(kv);
export const objectFloor = () => floor(object);
export const mixedFloor = () => floor(mixed);
export const cachedFloor = () => floor(cached);
export const upstashFloor = () => floor(upstash);
export const sealedFloor = () => floor(sealed);
