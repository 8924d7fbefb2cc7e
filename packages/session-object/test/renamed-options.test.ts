import { createSessionRouter } from '@tmcp-sessions/session-object';
import { SELF } from 'cloudflare:test';
import { afterEach, describe, expect, it } from 'vitest';

import { PARAMS } from './fixture/client.ts';
import { resetTestState, testState } from './fixture/test-session.ts';

afterEach(resetTestState);

describe.each([
	['answerSeconds', 'clientResponseTimeoutSeconds'],
	['heartbeatSeconds', 'keepAliveSeconds'],
])('the old option name %s', (oldName, newName) => {
	const message = `[tmcp-sessions/http] the option ${oldName} is now called ${newName}: rename it`;

	it('makes createSessionRouter throw an error with the new name', () => {
		expect(() => createSessionRouter({ object: 'SESSIONS', [oldName]: 20 })).toThrow(
			expect.objectContaining({ code: 'configuration', message }),
		);
	});

	it('in settings makes the object report an error with the new name', async () => {
		testState.settings = { [oldName]: 20 };
		const response = await SELF.fetch('https://mcp.example/mcp', {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: PARAMS }),
		});
		expect(response.status).toBe(500);
		expect(testState.errors).toContainEqual(message);
	});
});
