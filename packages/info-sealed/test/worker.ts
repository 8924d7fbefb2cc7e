import { SealedInfoSessionManager } from '../src/index.ts';

export { SessionShard } from '@tmcp-sessions/info-durable-object';

// Workers have no random values and no cryptography at module scope; the constructor needs neither.
export const atModuleScope: SealedInfoSessionManager = new SealedInfoSessionManager({
	keys: ['9f2b7c51d0e84a36b1f7029c5e8da34b76c1f05e29a8d3470b6ec95f18a2d74e'],
});

export default {
	fetch(): Response {
		return new Response('not in use');
	},
};
