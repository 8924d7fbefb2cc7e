import { describe, expect, it } from 'vitest';

import { describeEachDeployment } from './deployments.ts';
import { expectRejection } from './rejections.ts';

const LIST = { id: 1, method: 'tools/list' };
const EVIL = 'evil.example';

describeEachDeployment((deployment) => {
	it.each([
		['the Origin of a foreign page', { origin: `https://${EVIL}` }],
		['an opaque Origin', { origin: 'null' }],
		['an Origin whose host starts with localhost', { origin: `http://localhost.${EVIL}` }],
		['a foreign Host', { host: EVIL }],
		['a Host that starts with 127.0.0.1', { host: `127.0.0.1.${EVIL}` }],
		[
			'a foreign Host with the matching Origin (DNS rebinding)',
			{ host: EVIL, origin: `http://${EVIL}` },
		],
	])('L8 origin-validation: rejects %s with 403 on POST, GET and DELETE', async (_, headers) => {
		const { isolateA, isolateB } = deployment.endpoint();
		const session = await isolateA.initialize();
		const foreign = isolateA.with(headers);
		const rejection = { status: 403, message: /origin|host/i, omits: session };
		await expectRejection(foreign.post(LIST, session), rejection);
		await expectRejection(foreign.postStateless(LIST), rejection);
		await expectRejection(foreign.openStream(session), rejection);
		await expectRejection(foreign.endSession(session), rejection);
		expect(await isolateB.call('echo', session, { text: 'hi' })).toContain('echo: hi');
	});

	it.each([
		['a request without Origin', {}],
		['the Origin of a page on localhost', { origin: 'http://localhost:5173' }],
		['the Host localhost', { host: 'localhost:8787' }],
		['the Host [::1]', { host: '[::1]:8787' }],
	])('L8 origin-validation: accepts %s by default', async (_, headers) => {
		const { isolateA } = deployment.endpoint();
		const local = isolateA.with(headers);
		const session = await local.initialize();
		expect(await local.call('echo', session, { text: 'hi' })).toContain('echo: hi');
	});

	describe('L8 origin-validation: with allowedHosts and cors', () => {
		it('accepts those', async () => {
			const { isolateA } = deployment.endpoint('allow-listed');
			for (const host of ['mcp.example', 'mcp.example:8080']) {
				const page = isolateA.with({ host, origin: 'https://app.example' });
				const session = await page.initialize();
				expect(await page.call('echo', session, { text: 'hi' })).toContain('echo: hi');
			}
		});

		it.each([
			['a foreign Origin', { host: 'mcp.example', origin: `https://${EVIL}` }],
			['the allowed Origin over http', { host: 'mcp.example', origin: 'http://app.example' }],
			[
				'the allowed Origin on another port',
				{ host: 'mcp.example', origin: 'https://app.example:444' },
			],
			['a foreign Host', { host: EVIL, origin: 'https://app.example' }],
			['a subdomain of the allowed Host', { host: 'a.mcp.example' }],
		])('rejects %s with 403', async (_, headers) => {
			const { isolateA } = deployment.endpoint('allow-listed');
			const rejection = { status: 403, message: /origin|host/i };
			await expectRejection(isolateA.with(headers).postStateless(LIST), rejection);
		});
	});

	it('L8 origin-validation: accepts any host and origin if both options are true', async () => {
		const { isolateA } = deployment.endpoint('open');
		const foreign = isolateA.with({ host: EVIL, origin: 'https://app.example' });
		const session = await foreign.initialize();
		expect(await foreign.call('echo', session, { text: 'hi' })).toContain('echo: hi');
	});
});
