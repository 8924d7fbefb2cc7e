import { createMcpHandler } from '@tmcp-sessions/http';
import { createSessionRouter, SessionObject } from '@tmcp-sessions/session-object';
import type { SessionServer, SessionSettings } from '@tmcp-sessions/session-object';
import { env } from 'cloudflare:workers';
import { createServer } from './server.ts';

/** Routes each session to its own object; the Worker itself answers stateless calls. */
export function router(): ReturnType<typeof createSessionRouter> {
	const stateless = createMcpHandler(createServer());
	return createSessionRouter({ object: 'BENCHMARK_SESSION', stateless });
}

/** The object of a session, with the server that every contender serves. */
export class BenchmarkSession extends SessionObject {
	/** The defaults, unless the operations of an idle session are counted. */
	override readonly settings: SessionSettings = env.IDLE_SECONDS
		? { lifetime: { idleSeconds: Number(env.IDLE_SECONDS) } }
		: {};

	createServer(): SessionServer {
		return createServer();
	}
}
