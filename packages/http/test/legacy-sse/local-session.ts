import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import type { McpHandler } from '@tmcp-sessions/http';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';
import * as v from 'valibot';

export const KEY = 'a-key-of-the-tests-32-characters-long-and-more';
const BASE = 'https://mcp.example';

/** Creates a server whose tools report progress, announce changes and elicit. */
export function createServer(): McpServer<v.GenericSchema> {
	const server: McpServer<v.GenericSchema> = new McpServer(
		{ name: 'local', version: '1.0.0' },
		{
			adapter: new ValibotJsonSchemaAdapter(),
			capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, logging: {} },
		},
	);
	server.tool({ name: 'count', description: 'Reports progress 20 times' }, () => {
		for (let count = 1; count <= 20; count++) server.progress(count, 20, `${count}`);
		server.changed('tools');
		return tool.text('counted');
	});
	server.tool({ name: 'elicit', description: 'Elicits a confirmation' }, async () => {
		const { action } = await server.elicitation('Sure?', v.object({ sure: v.boolean() }));
		return tool.text(action);
	});
	server.tool({ name: 'wait', description: 'Waits until it is cancelled' }, async () => {
		const { signal } = server.ctx;
		await new Promise((resolve) => signal?.addEventListener('abort', resolve));
		return tool.text('cancelled');
	});
	server.tool({ name: 'flood', description: 'Reports three megabytes of progress' }, () => {
		for (let count = 1; count <= 30; count++) server.progress(count, 30, 'x'.repeat(100_000));
		return tool.text('flooded');
	});
	return server;
}

/** Streams whose `send` is slow at first and faster each time. */
export class UnevenStreams extends InMemoryStreamSessionManager {
	/** The number of sends that have not finished. */
	running = 0;
	/** If set, every send rejects with it. */
	failure: Error | undefined;
	#nextMs = 40;

	override send(sessions: string[] | undefined, frame: string): Promise<void> {
		return this.#after((this.#nextMs = Math.max(0, this.#nextMs - 2)), sessions, frame);
	}

	async #after(ms: number, sessions: string[] | undefined, frame: string): Promise<void> {
		this.running += 1;
		await new Promise((resolve) => setTimeout(resolve, ms));
		this.running -= 1;
		if (this.failure) throw this.failure;
		super.send(sessions, frame);
	}
}

/** Streams that count the opened inboxes of calls. */
export class CountedInboxes extends InMemoryStreamSessionManager {
	inboxes = 0;

	override openInbox(
		...args: Parameters<InMemoryStreamSessionManager['openInbox']>
	): ReturnType<InMemoryStreamSessionManager['openInbox']> {
		this.inboxes += 1;
		return super.openInbox(...args);
	}
}

/** Collects the promises of `waitUntil`, like a platform. */
export class Platform {
	readonly #promises: Promise<unknown>[] = [];

	readonly waitUntil = (promise: Promise<unknown>): void => void this.#promises.push(promise);

	/** Resolves when all promises of `waitUntil` have settled, also those added meanwhile. */
	async settled(): Promise<void> {
		for (const promise of this.#promises) await promise;
	}
}

/** A client in the same process. */
export class LocalSession {
	text = '';
	readonly response: Response;
	readonly #handler: McpHandler;
	readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

	private constructor(handler: McpHandler, response: Response, isReading: boolean) {
		this.#handler = handler;
		this.response = response;
		this.#reader = response.body?.getReader();
		if (isReading) this.#read().catch(() => {}); // Disconnected: the text received so far is kept.
	}

	/** Opens a session and reads its endpoint event, and all later events unless it `stalls`. */
	static async open(
		handler: McpHandler,
		{ stalls = false, platform }: { stalls?: boolean; platform?: Platform } = {},
	): Promise<LocalSession> {
		const request = new Request(`${BASE}/sse`, { headers: { accept: 'text/event-stream' } });
		const session = new LocalSession(handler, await handler.fetch(request, {}, platform), !stalls);
		if (stalls) await session.readOne();
		else await session.waitFor('event: endpoint');
		return session;
	}

	/** Posts a message; the platform collects the promises of `waitUntil`. */
	async send(message: object, platform?: Platform): Promise<Response> {
		const [, endpoint = ''] = /^data: (\/.*)$/m.exec(this.text) ?? [];
		const request = new Request(new URL(endpoint, BASE), {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ jsonrpc: '2.0', ...message }),
		});
		return this.#handler.fetch(request, {}, platform);
	}

	async call(id: number, name: string, platform?: Platform): Promise<Response> {
		const params = { name, arguments: {}, _meta: { progressToken: id } };
		return this.send({ id, method: 'tools/call', params }, platform);
	}

	async initialize(): Promise<void> {
		const clientInfo = { name: 'local', version: '1.0.0' };
		const params = { protocolVersion: '2024-11-05', capabilities: { elicitation: {} }, clientInfo };
		await this.send({ id: 0, method: 'initialize', params });
		await this.waitFor('"id":0');
	}

	/** Resolves when this text has arrived. */
	async waitFor(part: string): Promise<void> {
		for (let waited = 0; !this.text.includes(part); waited += 5) {
			if (waited > 3_000) throw new Error(`expected ${part}; found ${this.text.slice(0, 1_000)}`);
			await new Promise((resolve) => setTimeout(resolve, 5));
		}
	}

	/** Returns how often this text has arrived. */
	count(part: string): number {
		return this.text.split(part).length - 1;
	}

	/** Reads one chunk; returns false at the end of the stream. */
	async readOne(): Promise<boolean> {
		const { done, value } = (await this.#reader?.read()) ?? { done: true };
		this.text += new TextDecoder().decode(value);
		return !done;
	}

	/** Disconnects the client, which cancels the response body. */
	async disconnect(): Promise<void> {
		await this.#reader?.cancel();
	}

	async #read(): Promise<void> {
		while (await this.readOne());
	}
}
