import { describe, expect, it } from 'vitest';

import { describeEachDeployment } from './deployments.ts';
import { expectRefusal } from './refusals.ts';

const LIST = { id: 1, method: 'tools/list' };
const EVIL = 'evil.example';

describeEachDeployment((deployment) => {
	it.each([
		['the Origin of a foreign page', { origin: `https://${EVIL}` }],
		['an opaque Origin', { origin: 'null' }],
		['an Origin that only begins like this machine', { origin: `http://localhost.${EVIL}` }],
		['a foreign Host', { host: EVIL }],
		['a Host that only begins like this machine', { host: `127.0.0.1.${EVIL}` }],
		['a Host and an Origin that were spoofed alike', { host: EVIL, origin: `http://${EVIL}` }],
	])('L8 origin-validation: %s is a 403 on POST, GET and DELETE', async (_, headers) => {
		const { here, there } = deployment.endpoint();
		const session = await here.initialize();
		const foreign = here.with(headers);
		const refusal = { status: 403, says: /origin|host/i, hides: session };
		await expectRefusal(foreign.post(LIST, session), refusal);
		await expectRefusal(foreign.postStateless(LIST), refusal);
		await expectRefusal(foreign.openStream(session), refusal);
		await expectRefusal(foreign.endSession(session), refusal);
		expect(await there.call('echo', session, { text: 'hi' })).toContain('echo: hi');
	});

	it.each([
		['no Origin', {}],
		['the Origin of a page of this machine', { origin: 'http://localhost:5173' }],
		['another name of this machine', { host: 'localhost:8787' }],
		['its address in IPv6', { host: '[::1]:8787' }],
	])('L8 origin-validation: %s passes by default', async (_, headers) => {
		const { here } = deployment.endpoint();
		const local = here.with(headers);
		const session = await local.initialize();
		expect(await local.call('echo', session, { text: 'hi' })).toContain('echo: hi');
	});

	describe('L8 origin-validation: where hosts and origins are named', () => {
		it('those pass', async () => {
			const { here } = deployment.endpoint('named');
			for (const host of ['mcp.example', 'mcp.example:8080']) {
				const page = here.with({ host, origin: 'https://app.example' });
				const session = await page.initialize();
				expect(await page.call('echo', session, { text: 'hi' })).toContain('echo: hi');
			}
		});

		it.each([
			['another Origin', { host: 'mcp.example', origin: `https://${EVIL}` }],
			['the Origin over http', { host: 'mcp.example', origin: 'http://app.example' }],
			['the Origin at another port', { host: 'mcp.example', origin: 'https://app.example:444' }],
			['another Host', { host: EVIL, origin: 'https://app.example' }],
			['a Host below it', { host: 'a.mcp.example' }],
		])('%s is a 403', async (_, headers) => {
			const { here } = deployment.endpoint('named');
			const refusal = { status: 403, says: /origin|host/i };
			await expectRefusal(here.with(headers).postStateless(LIST), refusal);
		});
	});

	it('L8 origin-validation: where every host and origin is allowed, they pass', async () => {
		const { here } = deployment.endpoint('open');
		const foreign = here.with({ host: EVIL, origin: 'https://app.example' });
		const session = await foreign.initialize();
		expect(await foreign.call('echo', session, { text: 'hi' })).toContain('echo: hi');
	});
});
