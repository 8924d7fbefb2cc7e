// Floors: Workers without any of our packages. A call is `receive` of tmcp and the one operation on
// storage that it needs, so no session manager over the same storage can do less.
import { DurableObject, env } from 'cloudflare:workers';
import type { McpServer } from 'tmcp';
import { cached, kv, memory, mixed, object, sealed, upstash } from './floor-stores.ts';
import type { Store } from './floor-stores.ts';
import { createServer } from './server.ts';

const encoder = new TextEncoder();
const KEEP_ALIVE_MS = 25_000;

type Message = Parameters<McpServer['receive']>[0] & { params?: Record<string, unknown> };
/** What the server returns for a message: JSON, or nothing for a notification. */
type Received = string | undefined;

/** Sessions and the server: in the Worker, or in an object. */
interface Floor {
	open(message: string): Promise<readonly [session: string, response: Received]>;
	/** Returns null if the session is unknown. */
	receive(session: string, message: string): Promise<Received | null>;
	end(session: string): unknown;
	/** Opens a socket for the stream of a session, which `FloorObject` alone can send on. */
	connect?(session: string): Promise<WebSocket | null>;
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
			if (request.method === 'GET' && floor.connect) {
				return streamOf(await floor.connect(session ?? ''));
			}
			if (request.method !== 'DELETE') return new Response(null, { status: 405 });
			await floor.end(session ?? '');
			return new Response();
		},
	};
}

/** Returns a stream with what arrives on a socket, which stays open because of its timer. */
function streamOf(socket: WebSocket | null): Response {
	const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
	const writer = writable.getWriter();
	const write = (text: string): void => void writer.write(encoder.encode(text)).catch(() => {});
	socket?.accept();
	socket?.addEventListener('message', ({ data }) => write(String(data)));
	write(':\n\n');
	setInterval(() => write(':\n\n'), KEEP_ALIVE_MS);
	return new Response(readable, { headers: { 'content-type': 'text/event-stream' } });
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
		connect: async (session) => {
			const headers = { upgrade: 'websocket' };
			return (await object(session).fetch('https://floor/', { headers })).webSocket;
		},
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

	override fetch(): Response {
		const [client, server] = Object.values(new WebSocketPair());
		if (server) this.ctx.acceptWebSocket(server);
		return new Response(null, { status: 101, webSocket: client ?? null });
	}

	async end(): Promise<void> {
		this.#record = undefined;
		await this.ctx.storage.deleteAll();
	}
}

// One function for each store, which a contender names.
export const memoryFloor = () => floor(memory);
export const kvFloor = () => floor(kv);
export const objectFloor = () => floor(object);
export const mixedFloor = () => floor(mixed);
export const cachedFloor = () => floor(cached);
export const upstashFloor = () => floor(upstash);
export const sealedFloor = () => floor(sealed);
