import { createSdkHandler } from '@tmcp-sessions/sdk';
import { DurableObjectTasks } from '@tmcp-sessions/tasks-durable-object';
import { env } from 'cloudflare:workers';

import { accessTokens } from './access-tokens.ts';
import { createHybridHandler } from './hybrid/create-hybrid-handler.ts';
import { createEdgeServer } from './servers/edge-server.ts';
import { sessions } from './sessions.ts';

/** The binding and the secret that this file reads. */
declare global {
	namespace Cloudflare {
		interface Env {
			readonly ORIGIN: Fetcher;
			readonly EDGE_KEYS: string;
		}
	}
}

// Has no tools: it answers requests about the tasks of the origin.
const tasks = new DurableObjectTasks({ tools: {} });
const handler = createSdkHandler(createEdgeServer, { ...sessions, tasks, oauth: accessTokens });

export default createHybridHandler(handler, {
	origin: env.ORIGIN,
	keys: env.EDGE_KEYS,
	oauth: accessTokens,
	forward: ['note_*', 'print', 'note://*'],
});
