import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import type { McpHandler } from '@tmcp-sessions/http';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';
import * as v from 'valibot';

export const KEY = 'a-key-of-the-tests-32-characters-long-and-more';
const BASE = 'https://mcp.example';

/** A server that counts, asks and raises changes. */
export function createServer(): McpServer<v.GenericSchema> {
	const server: McpServer<v.GenericSchema> = new McpServer(
		{ name: 'one process', version: '1.0.0' },
		{
			adapter: new ValibotJsonSchemaAdapter(),
			capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, logging: {} },
		},
	);
	server.tool({ name: 'count', description: 'Counts aloud' }, () => {
		for (let each = 1; each <= 20; each++) server.progress(each, 20, `${each}`);
		server.changed('tools');
		return tool.text('counted');
	});
	server.tool({ name: 'ask', description: 'Asks the user' }, async () => {
		const { action } = await server.elicitation('Sure?', v.object({ sure: v.boolean() }));
		return tool.text(action);
	});
	server.tool({ name: 'wait', description: 'Waits until it is cancelled' }, async () => {
		const { signal } = server.ctx;
		await new Promise((resolve) => signal?.addEventListener('abort', resolve));
		return tool.text('cancelled');
	});
	server.tool({ name: 'flood', description: 'Says three megabytes' }, () => {
		for (let each = 1; each <= 30; each++) server.progress(each, 30, 'x'.repeat(100_000));
		return tool.text('flooded');
	});
	return server;
}

/** Streams whose `send` takes a moment, and a shorter one each time. */
export class ImpatientStreams extends InMemoryStreamSessionManager {
	/** How many calls have not ended. */
	running = 0;
	/** Fails, where it is set. */
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

/** Streams that count the inboxes of calls. */
export class CountedInboxes extends InMemoryStreamSessionManager {
	inboxes = 0;

	override openInbox(
		...args: Parameters<InMemoryStreamSessionManager['openInbox']>
	): ReturnType<InMemoryStreamSessionManager['openInbox']> {
		this.inboxes += 1;
		return super.openInbox(...args);
	}
}

/** What was given to `waitUntil`, as a platform has it. */
export class Platform {
	readonly #given: Promise<unknown>[] = [];

	readonly waitUntil = (work: Promise<unknown>): void => void this.#given.push(work);

	/** Settles when all has that was given so far, and all that this gave in turn. */
	async settled(): Promise<void> {
		for (const given of this.#given) await given;
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
		if (isReading) this.#read().catch(() => {}); // Cut: what came in is there.
	}

	/** Opens a session and reads its endpoint event, and what follows unless it `stalls`. */
	static async open(
		handler: McpHandler,
		{ stalls = false, platform }: { stalls?: boolean; platform?: Platform } = {},
	): Promise<LocalSession> {
		const request = new Request(`${BASE}/sse`, { headers: { accept: 'text/event-stream' } });
		const session = new LocalSession(handler, await handler.fetch(request, {}, platform), !stalls);
		if (stalls) await session.readOne();
		else await session.until('event: endpoint');
		return session;
	}

	/** Sends a message, on a platform of its own. */
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
		await this.until('"id":0');
	}

	/** Resolves once this text has come in. */
	async until(part: string): Promise<void> {
		for (let waited = 0; !this.text.includes(part); waited += 5) {
			if (waited > 3_000) throw new Error(`expected ${part}; found ${this.text.slice(0, 1_000)}`);
			await new Promise((resolve) => setTimeout(resolve, 5));
		}
	}

	/** How often this text came in. */
	count(part: string): number {
		return this.text.split(part).length - 1;
	}

	/** Reads one chunk; false where there is none any more. */
	async readOne(): Promise<boolean> {
		const { done, value } = (await this.#reader?.read()) ?? { done: true };
		this.text += new TextDecoder().decode(value);
		return !done;
	}

	/** The client goes away, and the platform says so. */
	async leave(): Promise<void> {
		await this.#reader?.cancel();
	}

	async #read(): Promise<void> {
		while (await this.readOne());
	}
}
