import { expect, it } from 'vitest';

import type { IncomingResponse } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';

const LIST = { id: 1, method: 'tools/list' };
const FORGED = `1.0.${'x'.repeat(32)}.${'y'.repeat(43)}`;
const PAGE = { host: 'mcp.example', origin: 'https://app.example' };

/** Expects that a browser lets the page read the response and its session id. */
function expectReadable({ status, headers }: IncomingResponse, origin: string): void {
	expect({ status, origin: headers['access-control-allow-origin'] }).toEqual({ status, origin });
	expect(headers['access-control-expose-headers']).toMatch(/\bMcp-Session-Id\b/);
	if (origin !== '*') expect(headers.vary).toMatch(/\borigin\b/i);
}

describeEachDeployment(
	(deployment) => {
		it.each([
			['cors: true', 'open', { host: 'mcp.example', origin: 'https://any.example' }, '*'],
			['cors: true, from a file', 'open', { host: 'mcp.example', origin: 'null' }, '*'],
			['cors with this origin', 'allow-listed', PAGE, PAGE.origin],
			[
				'a page of this machine',
				'plain',
				{ origin: 'http://localhost:5173' },
				'http://localhost:5173',
			],
		])('lets a page read every response: %s', async (_, variant, headers, origin) => {
			const page = deployment.endpoint(variant).isolateA.with(headers);
			const preflight = await page.send('OPTIONS', {
				'access-control-request-method': 'POST',
				'access-control-request-headers': 'mcp-session-id, mcp-protocol-version',
			});
			expect(preflight.status).toBe(204);
			expectReadable(preflight, origin);
			expect(preflight.headers['access-control-allow-methods']).toMatch(/GET, POST, DELETE/);
			expect(preflight.headers['access-control-allow-headers']).toBe('*, Authorization');

			const initialize = await page.post({
				id: 0,
				method: 'initialize',
				params: {
					protocolVersion: '2025-06-18',
					capabilities: {},
					clientInfo: { name: 'page', version: '1' },
				},
			});
			await initialize.ended;
			expectReadable(initialize, origin);
			const session = String(initialize.headers['mcp-session-id']);
			const stream = await page.openStream(session);
			const responses = [
				await page.startCall('echo', session, { text: 'direct' }),
				await page.startCall('report', session, { text: 'streamed', times: 1 }),
				await page.post({ method: 'notifications/initialized' }, session),
				await page.post(LIST, FORGED),
				await page.post(LIST),
				await page.openStream(),
				await page.postStateless(LIST),
				await page.with({ 'content-type': 'text/plain' }).post(LIST, session),
				await page.endSession(session),
				stream,
			];
			for (const response of responses) expectReadable(response, origin);
			expect(responses.map(({ status }) => status)).toEqual([
				200, 200, 202, 404, 400, 400, 200, 415, 200, 200,
			]);
			await stream.ended;
		});

		it('lets no page of another origin send or read', async () => {
			const foreign = { host: 'mcp.example', origin: 'https://evil.example' };
			const page = deployment.endpoint('allow-listed').isolateA.with(foreign);
			for (const response of [await page.send('OPTIONS'), await page.postStateless(LIST)]) {
				expect(response.status).toBe(403);
				expect(response.headers).not.toHaveProperty('access-control-allow-origin');
			}
		});

		it('sends no CORS headers to clients that are not pages', async () => {
			const { isolateA } = deployment.endpoint();
			const { headers } = await isolateA.post(LIST, await isolateA.initialize());
			expect(Object.keys(headers).filter((name) => /^access-|^vary/.test(name))).toEqual([]);
		});
	},
	{ concurrent: true },
);
