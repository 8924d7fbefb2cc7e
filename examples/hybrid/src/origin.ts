import { createSdkHandler } from '@tmcp-sessions/sdk';
import { DurableObjectTasks } from '@tmcp-sessions/tasks-durable-object';
import { env } from 'cloudflare:workers';

import { acceptEdge, edgeCaller } from './hybrid/edge-signature.ts';
import { createOriginServer } from './servers/origin-server.ts';
import { sessions } from './sessions.ts';

export { TaskObject } from '@tmcp-sessions/tasks-durable-object';
export { Notebook } from './servers/notebook.ts';

/** The secret that this file reads. */
declare global {
	namespace Cloudflare {
		interface Env {
			readonly EDGE_KEYS: string;
		}
	}
}

const tasks = new DurableObjectTasks({ tools: { print: { pollSeconds: 0.2 } } });
const handler = createSdkHandler(createOriginServer, { ...sessions, tasks, oauth: edgeCaller });

export default acceptEdge(handler, env.EDGE_KEYS);
