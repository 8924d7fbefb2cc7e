import { McpServer } from '@modelcontextprotocol/server';
import { sdkServer } from '@tmcp-sessions/sdk';
import { SessionObject } from '@tmcp-sessions/session-object';
import type { Session, SessionServer } from '@tmcp-sessions/session-object';
import * as z from 'zod';

interface Values {
	count: number;
	/** The old objects whose state this one has. */
	adopted: string[];
}

/** The old states that no tool has read yet. */
const ADOPTED = 'adopted:';

/** The server after: an object for each user, which expires. */
export class CounterSession extends SessionObject<Cloudflare.Env, Values> {
	override readonly settings = {
		context: { count: z.number(), adopted: z.array(z.string()) },
		lifetime: { idleSeconds: 30 * 24 * 60 * 60, absoluteSeconds: 365 * 24 * 60 * 60 },
	};

	/** Takes the state of an old object, which may be sent more than once. */
	adopt(oldId: string, state: unknown): void {
		this.ctx.storage.kv.put(ADOPTED + oldId, state);
	}

	createServer(session: Session<Values>): SessionServer {
		return sdkServer(() => {
			const server = new McpServer({ name: 'counter', version: '1.0.0' });
			server.registerTool('count', { description: 'Counts' }, () => {
				this.#readOldStates(session);
				const count = session.context.update('count', (before = 0) => before + 1);
				return { content: [{ type: 'text', text: String(count) }] };
			});
			return server;
		});
	}

	/** Adds each old state once. How several become one depends on the state: counts are added. */
	#readOldStates({ context }: Session<Values>): void {
		for (const [key, state] of this.ctx.storage.kv.list<{ count: number }>({ prefix: ADOPTED })) {
			const oldId = key.slice(ADOPTED.length);
			const adopted = context.get('adopted') ?? [];
			if (!adopted.includes(oldId)) {
				context.transaction(() => {
					context.update('count', (before = 0) => before + state.count);
					context.set('adopted', [...adopted, oldId]);
				});
			}
			this.ctx.storage.kv.delete(key);
		}
	}
}
