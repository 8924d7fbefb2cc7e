import { InMemorySessionStore, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { createMcpHandler } from '@tmcp-sessions/http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { createServer } from './fixture/create-server.ts';
import { startNodeServer } from './node-server.ts';
import type { NodeServer } from './node-server.ts';
import { run } from './terminal.ts';

const TOKEN = 'not-to-be-printed';
const quick = ['--stream-seconds=0.05', '--samples=3', '--bearer-env=PROBE_TOKEN'];
const env = { PROBE_TOKEN: TOKEN };

describe('probe', () => {
	let folder: string;
	let server: NodeServer;
	const sessions = new Map<string, number>();

	beforeAll(async () => {
		const mcp = createMcpHandler(createServer(), {
			info: new StoredInfoSessionManager(new InMemorySessionStore()),
		});
		server = await startNodeServer(async (request) => {
			if (request.headers.get('authorization') !== `Bearer ${TOKEN}`) {
				return new Response(null, { status: 401 });
			}
			const response = await mcp.fetch(request);
			const id = response.headers.get('mcp-session-id');
			if (id !== null) sessions.set(id, response.status);
			return response;
		});
		folder = mkdtempSync(join(tmpdir(), 'tmcp-sessions-cli-'));
	});
	beforeEach(() => sessions.clear());
	afterAll(async () => {
		await server.stop();
		rmSync(folder, { recursive: true });
	});

	const probe = (...args: string[]) =>
		run(['probe', server.url.href, ...quick, ...args], { env, folder });

	it('prints a line for each check without colours, tokens and session ids', async () => {
		const { exitCode, stderr, stdout } = await probe();
		expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
		expect(stdout).toMatch(
			/^✓ session-handshake +probed 1\.0\.0 opened a session with 2025-11-25$/m,
		);
		expect(stdout).toMatch(/^- change +skipped: name a tool/m);
		expect(stdout).not.toContain('\u001B');
		expect(stdout).not.toContain(TOKEN);
		for (const id of sessions.keys()) expect(stdout).not.toContain(id);
		expect(sessions.size).toBe(1);
	});

	it('colours its lines in a terminal, unless NO_COLOR is set', async () => {
		const args = ['probe', server.url.href, ...quick];
		const coloured = await run(args, { env, folder, isTTY: true });
		expect(coloured.stdout).toContain('\u001B[32m✓\u001B[39m');
		const plain = await run(args, { env: { ...env, NO_COLOR: '1' }, folder, isTTY: true });
		expect(plain.stdout).not.toContain('\u001B');
	});

	it('prints JSON with a hash, and fails with a readable difference if the tools change', async () => {
		const first = JSON.parse((await probe('--json', '--save-tools=tools.json')).stdout);
		const [hash] = first.results.flatMap(
			({ values }: { values?: { hash?: string } }) => values?.hash ?? [],
		);
		expect(hash).toMatch(/^sha256:[\da-f]{64}$/);
		expect((await probe(`--expect-hash=${hash}`, '--expect-tools=tools.json')).exitCode).toBe(0);

		const tools = JSON.parse(readFileSync(join(folder, 'tools.json'), 'utf8'));
		tools[0].description = 'Says nothing';
		tools.push({ name: 'removed_since' });
		writeFileSync(join(folder, 'old.json'), JSON.stringify(tools));
		const changed = await probe('--expect-tools=old.json');
		expect(changed.exitCode).toBe(1);
		expect(changed.stdout).toContain(
			'~ announce.description: "Says nothing" → "Announces a change of the tools"; - removed_since: removed',
		);
		const other = await probe(`--expect-hash=sha256:${'0'.repeat(64)}`);
		expect(other.exitCode).toBe(1);
		expect(other.stdout).toContain(`found ${hash}`);
	});

	it('fails above a latency limit, and writes JUnit', async () => {
		const { exitCode } = await probe('--max-p50=0', '--junit=junit.xml');
		expect(exitCode).toBe(1);
		const xml = readFileSync(join(folder, 'junit.xml'), 'utf8');
		expect(xml).toMatch(/tests="14" failures="1"/);
		expect(xml).toMatch(/name="latency" time="[\d.]+"><failure message="requests took p50/);
	});

	it('probes again with --watch until it is interrupted, and leaves no session', async () => {
		const interruption = new AbortController();
		const args = ['probe', server.url.href, ...quick, '--watch=1', '--json'];
		const running = run(args, { env, folder, signal: interruption.signal });
		await expect.poll(() => sessions.size).toBe(2);
		interruption.abort();
		const { exitCode, stdout } = await running;
		expect([0, 130]).toContain(exitCode);
		const lines = stdout.trim().split('\n');
		expect(lines.map((line) => JSON.parse(line).status)).toContain('passed');
		for (const id of sessions.keys()) {
			const response = await fetch(server.url, {
				method: 'POST',
				headers: {
					authorization: `Bearer ${TOKEN}`,
					'content-type': 'application/json',
					accept: 'application/json, text/event-stream',
					'mcp-session-id': id,
				},
				body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
			});
			expect(response.status).toBe(404);
		}
	});

	it.each([
		[['--expect-hash=abc'], '--expect-hash must be sha256: and 64 digits'],
		[['--expect-tools=missing.json'], 'missing.json cannot be read'],
		[['--header=Authorization'], "--header must be 'Name: value'"],
		[['--samples=many'], '--samples must be a number from 0 to 10000; got many'],
		[['--watch=0'], '--watch must be a number from 1 to 86400; got 0'],
		[['--task-tool=report={'], 'the arguments in --task-tool must be JSON'],
		[['--retries=3'], 'unknown option --retries'],
		[['another'], 'unexpected argument another'],
	])('rejects %s', async (args, message) => {
		const { exitCode, stderr } = await probe(...args);
		expect(exitCode).toBe(2);
		expect(stderr).toContain(message);
		expect(stderr).toContain('See tmcp-sessions probe --help');
	});
});
