import { expect, it } from 'vitest';

import { describeEachDeployment } from './deployments.ts';

const LIST = { id: 1, method: 'tools/list' };

describeEachDeployment(
	(deployment) => {
		it('L7 single-endpoint: serves its path with a slash at the end, in both eras', async () => {
			const { isolateA, isolateB } = deployment.endpoint('plain/');
			const session = await isolateA.initialize();
			expect(await isolateB.call('echo', session, { text: 'hi' })).toContain('echo: hi');
			expect((await isolateA.postStateless(LIST)).status).toBe(200);
			const stream = await isolateB.openStream(session);
			expect(stream.status).toBe(200);
			expect((await isolateA.endSession(session)).status).toBe(200);
			await stream.ended;
		});
	},
	{ concurrent: true },
);
