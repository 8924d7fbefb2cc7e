import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { DevWorker, LOCAL, PUBLIC } from './dev-worker.ts';

const PATH = '/mcp';

describe('a Worker without session keys', () => {
	const worker = new DevWorker('local-worker.ts');
	beforeAll(() => worker.start({ durableObjects: {}, vars: { TMCP_SESSION_KEYS: '' } }));
	afterAll(() => worker.stop());

	it('prints the line for .dev.vars once, and no error, on this machine', async () => {
		for (let count = 0; count < 3; count++) {
			expect((await worker.fetch('POST', LOCAL, PATH)).status).toBe(200);
		}
		expect(worker.lines).toEqual([
			'[workerd warn] [tmcp-sessions/http] TMCP_SESSION_KEYS is not set, so that sessions end when ' +
				'the server restarts. To keep them: echo "TMCP_SESSION_KEYS=$(openssl rand -base64 32)" >> .dev.vars',
		]);
	});

	it('is an error elsewhere, logged once with the command for a secret', async () => {
		const before = worker.lines.length;
		for (let count = 0; count < 3; count++) {
			expect((await worker.fetch('POST', PUBLIC, PATH)).status).toBe(500);
		}
		const errors = worker.lines.slice(before).filter((line) => line.startsWith('[workerd error]'));
		expect(errors).toEqual([
			expect.stringContaining(
				'openssl rand -base64 32 | npx wrangler secret put TMCP_SESSION_KEYS',
			),
		]);
	});
});

describe('a Worker whose session key is too short', () => {
	const worker = new DevWorker('local-worker.ts');
	beforeAll(() => worker.start({ durableObjects: {}, vars: { TMCP_SESSION_KEYS: 'hunter2' } }));
	afterAll(() => worker.stop());

	it('tells a client on this machine how long it must be and is, but not what it is', async () => {
		const { message, status } = await worker.fetch('POST', LOCAL, PATH);
		expect([status, message]).toEqual([
			500,
			'[tmcp-sessions/http] TMCP_SESSION_KEYS needs keys of at least 32 characters; got one of 7 ' +
				'characters. Make one with: openssl rand -base64 32',
		]);
		expect(worker.lines.join()).not.toContain('hunter2');
	});

	it('tells others nothing about it', async () => {
		const { message } = await worker.fetch('POST', PUBLIC, PATH);
		expect(message).toBe('The server is misconfigured; its log says how to fix it');
	});
});
