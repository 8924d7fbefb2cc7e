import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { listWithOfficialClients } from '@tmcp-sessions/clients/listing';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { checkNotes } from '../client/check.ts';
import { NotesClient } from '../client/notes-client.ts';

const run = promisify(execFile);
const inspector = join(
	dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/inspector/package.json')),
	'clients/launcher/build/index.js',
);
const tokens = {
	'anna-laptop-token': { workspace: 'anna', client: 'laptop' },
	'anna-phone-token': { workspace: 'anna', client: 'phone' },
};

let workers: Workers<'a' | 'b'>;

beforeAll(async () => {
	workers = await startWorkers({
		entry: fileURLToPath(new URL('fixture/worker.ts', import.meta.url)),
		workers: ['a', 'b'],
		kvNamespaces: [],
		durableObjects: { NOTES: 'Notes' },
		vars: {
			ACCESS_TOKENS: JSON.stringify(tokens),
			TMCP_AUTH_KEYS: 'encrypt-tokens-in-these-tests-only',
		},
		onLog: () => {},
	});
});
afterAll(() => workers.stop());

it('passes the checks of the client', async () => {
	// Holds the legacy SSE stream in one isolate, and sends its messages to the other.
	const acrossIsolates: typeof fetch = (input, init) => {
		const target = new URL(input instanceof Request ? input.url : input);
		target.host = workers.url(init?.method === 'POST' ? 'b' : 'a').host;
		return fetch(target, init);
	};
	const url = new URL('/mcp', workers.url('a'));
	const checks = await checkNotes(url, undefined, acrossIsolates);
	expect(checks.filter(({ passed }) => !passed)).toEqual([]);
	expect(checks).toHaveLength(8);
});

it('resumes a call after the loss of its object, from the last stored position', async () => {
	let outcome = '';
	const checks = await checkNotes(new URL('/mcp', workers.url('b')), async () => {
		outcome = await (await fetch(new URL('/reset', workers.url('a')))).text();
	});
	expect(outcome).toContain('reset by a test');
	expect(checks.filter(({ passed }) => !passed)).toEqual([]);
	// The first instance exported some notes, and the next one the rest.
	const [, all, rest] = /exported (\d+) notes, (\d+)/.exec(String(checks.at(-1)?.actual)) ?? [];
	expect(Number(rest)).toBeGreaterThan(0);
	expect(Number(rest)).toBeLessThan(Number(all));
});

it('keeps notes and tokens through a restart', async () => {
	await workers.restart();
	const laptop = await NotesClient.connect(new URL('/mcp', workers.url('a')), 'anna-laptop-token');
	expect(await laptop.call('list_notes')).toContain('milk\nbread');
	expect(await laptop.call('publish')).toBe('printed with press-2');
	await laptop.close();
});

const inspect = async (transport: 'http' | 'sse', ...args: string[]): Promise<unknown> => {
	const url = new URL(transport === 'sse' ? '/sse' : '/mcp', workers.url('a')).href;
	const header = ['--header', 'Authorization: Bearer anna-phone-token'];
	const all = [inspector, '--cli', url, '--transport', transport, ...header, ...args];
	const { stdout } = await run(process.execPath, all, { timeout: 25_000 });
	return JSON.parse(stdout);
};

const tools = ['add_note', 'list_notes', 'connect_press', 'publish', 'export'];

it('lists everything to the official clients and the Inspector', async () => {
	const headers = { authorization: 'Bearer anna-phone-token' };
	const listings = await listWithOfficialClients(
		new URL('/mcp', workers.url('a')),
		{ tools },
		{ headers },
	);
	for (const [client, listing] of Object.entries(listings)) {
		expect(listing, client).toEqual({ tools });
	}
}, 60_000);

it('lists its tools to the CLI of the MCP Inspector over sse', async () => {
	expect(await inspect('sse', '--method', 'tools/list')).toMatchObject({
		tools: tools.map((name) => ({ name })),
	});
});

it('serves a call of the CLI of the MCP Inspector', async () => {
	const call = ['--method', 'tools/call', '--tool-name', 'add_note', '--tool-arg', 'text=eggs'];
	expect(await inspect('http', ...call)).toMatchObject({ content: [{ text: '1 notes' }] });
});
