import { SessionObject } from '@tmcp-sessions/session-object';
import type { SessionServer, SessionSettings } from '@tmcp-sessions/session-object';
import { env } from 'cloudflare:workers';
import { createServer } from './server.ts';

/** The object of each session of `session-object`, with the server that every contender serves. */
export class BenchmarkSession extends SessionObject {
	/** As it is, but where what an idle day costs is counted without waiting for a day. */
	override readonly settings: SessionSettings = env.IDLE_SECONDS
		? { lifetime: { idleSeconds: Number(env.IDLE_SECONDS) } }
		: {};

	createServer(): SessionServer {
		return createServer();
	}
}
