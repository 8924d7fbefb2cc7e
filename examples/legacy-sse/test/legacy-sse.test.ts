import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { listWithOfficialClients } from '@tmcp-sessions/clients/listing';
import { startWorkers, workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkKitchen } from '../client/check.ts';

const run = promisify(execFile);
const inspector = join(
	dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/inspector/package.json')),
	'clients/launcher/build/index.js',
);

describe.each(workerdVersions)('on workerd %s', (version) => {
	let workers: Workers<'a' | 'b'>;
	const log: string[] = [];

	beforeAll(async () => {
		workers = await startWorkers({
			entry: fileURLToPath(new URL('../src/index.ts', import.meta.url)),
			workers: ['a', 'b'],
			version,
			onLog: (line) => log.push(line),
		});
	});
	afterAll(async () => {
		await workers.stop();
		expect(log.filter((line) => /error|hung/i.test(line))).toEqual([]);
	});

	/** Sends GET to isolate A and POST to isolate B. */
	const acrossIsolates: typeof fetch = (input, init) => {
		const url = new URL(input instanceof Request ? input.url : input);
		url.host = workers.url(init?.method === 'POST' ? 'b' : 'a').host;
		return fetch(url, init);
	};

	it.each([
		['in one isolate', undefined],
		['with GET and POST on different isolates', acrossIsolates],
	])('serves clients of both transports, %s', async (_, fetchLike) => {
		const checks = await checkKitchen(workers.url('a'), fetchLike);
		expect(checks.filter(({ holds }) => !holds)).toEqual([]);
		expect(checks).toHaveLength(6);
	});

	const inspect = async (...args: string[]): Promise<unknown> => {
		const url = new URL('/sse', workers.url('a')).href;
		const all = [inspector, '--cli', url, '--transport', 'sse', ...args];
		const { stdout } = await run(process.execPath, all, { timeout: 25_000 });
		return JSON.parse(stdout);
	};

	const offered = {
		tools: ['cook', 'tip', 'change_menu'],
		resources: ['kitchen://menu'],
		templates: [],
	};

	it("lists everything over SSE to the MCP Inspector's CLI", async () => {
		expect(await inspect('--method', 'tools/list')).toMatchObject({
			tools: offered.tools.map((name) => ({ name })),
		});
		expect(await inspect('--method', 'resources/list')).toMatchObject({
			resources: offered.resources.map((uri) => ({ uri })),
		});
	});

	it('lists everything over Streamable HTTP to the official clients and the Inspector', async () => {
		const listings = await listWithOfficialClients(new URL('/mcp', workers.url('a')), offered);
		for (const [client, listing] of Object.entries(listings)) {
			expect(listing, client).toEqual(offered);
		}
	}, 60_000);

	it("runs a tool for the MCP Inspector's CLI", async () => {
		const call = ['--method', 'tools/call', '--tool-name', 'cook', '--tool-arg', 'dish=pie'];
		expect(await inspect(...call)).toMatchObject({ content: [{ text: 'pie is ready' }] });
	});
});
