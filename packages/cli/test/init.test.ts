import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { SessionTaskClient } from '@tmcp-sessions/testkit/session-task-client';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readVariable } from '../src/keys/vars-file.ts';
import { probe } from '../src/index.ts';
import type { ProbeOptions } from '../src/index.ts';
import { run } from './terminal.ts';
import { WorkerProject } from './worker-project.ts';

const modules = fileURLToPath(new URL('../node_modules', import.meta.url));
const quick: ProbeOptions = { streamMs: 300, latencySamples: 3, timeoutMs: 5_000 };

/** Writes a project, whose packages are those of this repository. */
async function initialize(...args: string[]): Promise<WorkerProject> {
	const project = new WorkerProject({});
	const { exitCode, stderr } = await run(['init', '.', '--name=greeter', ...args], {
		folder: project.folder,
	});
	expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
	symlinkSync(modules, join(project.folder, 'node_modules'));
	return project;
}

const execute = promisify(execFile);
const inProject = (folder: string, tool: string, ...args: string[]) =>
	execute(process.execPath, [join(modules, tool), ...args], { cwd: folder });

/** Type-checks a project, and returns the output of the test that `init` wrote. */
async function verify({ folder }: WorkerProject): Promise<string> {
	await inProject(folder, 'typescript/bin/tsc', '-p', folder);
	const args = ['--experimental-strip-types', '--test', '--test-reporter=spec', 'test/*.test.ts'];
	const { stdout } = await execute(process.execPath, args, { cwd: folder });
	return stdout;
}

/** Probes a server as `init` wrote it, with its token. */
async function expectPassed(url: URL, vars: string, args: readonly string[]): Promise<void> {
	const token = JSON.parse(readVariable(vars, 'MCP_TOKENS') ?? '{}').me;
	const isBearer = args.includes('--auth=bearer');
	expect(token !== undefined).toBe(isBearer);
	if (isBearer) await expect(probe(url, quick)).rejects.toMatchObject({ code: 'unauthorized' });
	const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
	const hasTasks = args.includes('--tasks');
	const isObject = args.includes('--sessions=session-object');
	const isStateless = hasTasks && !isObject;
	const report = await probe(url, {
		...quick,
		headers,
		...(isStateless && { taskTool: { name: 'generate_report', arguments: {} } }),
	});
	// A busy machine is slow, and sealed sessions without a store cannot be ended.
	const mayWarn = new Set([
		'latency',
		...(args.includes('--sessions=sealed') ? ['end-of-session'] : []),
	]);
	const faults = report.results.filter(
		({ check, status }) => status === 'failed' || (status === 'warned' && !mayWarn.has(check)),
	);
	expect(faults).toEqual([]);
	expect(report.results.find(({ check }) => check === 'session-handshake')?.status).toBe('passed');
	if (!hasTasks) return;
	// A session object without `identify` serves no stateless clients, the only ones that probe asks for a task.
	if (isObject) await expectTaskInSession(url, headers);
	else expect(report.results.find(({ check }) => check === 'task')?.status).toBe('passed');
}

/** Runs the tool of a server as a task of a session of 2025-11-25. */
async function expectTaskInSession(url: URL, headers: Record<string, string>): Promise<void> {
	const client = await SessionTaskClient.open(() => url, { headers });
	const { taskId } = await client.start('generate_report');
	expect(await client.until(taskId, 'completed', 'failed')).toMatchObject({ status: 'completed' });
	const { result } = await client.request('tasks/result', { taskId });
	expect(result).toMatchObject({ content: [{ text: 'The sum is 6' }] });
}

describe('init for Workers', () => {
	it.each([
		[['--sessions=kv', '--tasks']],
		[['--sessions=kv', '--library=sdk', '--tasks', '--auth=bearer']],
		[['--sessions=durable-object']],
		[['--sessions=sealed', '--auth=bearer']],
		[['--sessions=session-object', '--tasks', '--auth=bearer']],
		[['--sessions=session-object', '--library=sdk']],
	])('writes a Worker with %s that passes its test, doctor and probe', async (args) => {
		using project = await initialize('--runtime=workers', ...args);
		const { folder } = project;
		const diagnosis = await run(['doctor', folder]);
		expect(diagnosis.stdout).toBe('No problems found\n');
		expect(await verify(project)).toMatch(/pass 1/);

		const config = JSON.parse(project.read('wrangler.jsonc'));
		const bindings: { name: string; class_name: string }[] = config.durable_objects.bindings;
		const vars = project.read('.dev.vars');
		const secrets: string[] = config.secrets.required;
		const workers = await startWorkers({
			workers: ['main'],
			entry: join(folder, config.main),
			durableObjects: Object.fromEntries(bindings.map((each) => [each.name, each.class_name])),
			kvNamespaces: (config.kv_namespaces ?? []).map(({ binding }: { binding: string }) => binding),
			vars: Object.fromEntries(secrets.map((name) => [name, readVariable(vars, name) ?? ''])),
			compatibilityDate: config.compatibility_date,
		});
		try {
			await expectPassed(new URL('/mcp', workers.url('main')), vars, args);
		} finally {
			await workers.stop();
		}
	});
});

describe('init for Workers with an OAuth provider', () => {
	const args = ['--runtime=workers', '--auth=oauth-provider'];

	it.each([
		[['--sessions=kv', '--tasks']],
		[['--sessions=sealed', '--library=sdk']],
		[['--sessions=session-object']],
	])('writes a Worker with %s in which an official client gets a token', async (more) => {
		using project = await initialize(...args, ...more);
		const diagnosis = await run(['doctor', project.folder]);
		expect(diagnosis.stdout).toBe('No problems found\n');
		const output = await verify(project);
		expect(output).toContain('✔ a client registers, its user signs in, and a tool answers');
		expect(output).toMatch(/pass 2\n/);
	});

	it('names what has to be replaced before a deployment', async () => {
		using project = await initialize(...args);
		expect(project.read('src/sign-in.ts')).toContain('REPLACE THIS FILE');
		const { stdout } = await run(['init', '.', '--yes', '--overwrite', ...args], {
			folder: project.folder,
		});
		expect(stdout).toContain('# Before you deploy: replace src/sign-in.ts, and set PUBLIC_ORIGIN');
	});
});

describe('init for a process', () => {
	let redis: RunningRedis;
	beforeAll(async () => {
		redis = await startRedis();
	});
	afterAll(() => redis.stop());

	it.each([
		[['--runtime=node', '--sessions=memory', '--tasks']],
		[['--runtime=node', '--sessions=memory', '--library=sdk', '--tasks', '--auth=bearer']],
		[['--runtime=node', '--sessions=redis', '--tasks']],
		[['--runtime=node', '--sessions=redis', '--library=sdk', '--tasks', '--auth=bearer']],
		[['--runtime=vercel', '--sessions=sealed', '--auth=bearer']],
		[['--runtime=vercel', '--sessions=upstash', '--library=sdk']],
	])('writes a server with %s that passes its test and probe', async (args) => {
		using project = await initialize(...args);
		const { folder } = project;
		expect(await verify(project)).toMatch(/pass 1/);
		const { dev } = JSON.parse(project.read('package.json')).scripts;
		const [command = '', ...words] = String(dev).split(' ');
		expect(command).toBe('node');
		const child = spawn(process.execPath, words, {
			cwd: folder,
			env: {
				...process.env,
				PORT: '0',
				REDIS_URL: `redis://127.0.0.1:${redis.port}`,
				UPSTASH_REDIS_REST_URL: redis.url,
				UPSTASH_REDIS_REST_TOKEN: redis.token,
			},
			stdio: ['ignore', 'pipe', 'inherit'],
		});
		try {
			const [line] = await once(child.stdout, 'data');
			const [url = ''] = /http:\S+/.exec(String(line)) ?? [];
			await expectPassed(new URL(url), project.read('.env'), args);
		} finally {
			child.kill('SIGKILL');
		}
	});

	it.each([
		[['--runtime=deno', '--sessions=memory', '--tasks']],
		[['--runtime=deno', '--sessions=redis', '--library=sdk', '--tasks']],
		[['--runtime=bun', '--sessions=memory', '--auth=bearer']],
		[['--runtime=bun', '--sessions=redis', '--tasks']],
	])('writes a server with %s that type-checks and passes its test', async (args) => {
		using project = await initialize(...args);
		expect(await verify(project)).toMatch(/pass 1/);
	});
});

describe('init in a folder that is not empty', () => {
	const wrangler = `{
  // My Worker
  "name": "mine",
  "main": "src/index.ts",
  "compatibility_date": "2026-08-01", // keep
  "kv_namespaces": [{ "binding": "CACHE" }],
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Counter"] }],
}
`;

	it('names the command that probes the server with its token', async () => {
		const stepsOf = async (...args: string[]): Promise<string> => {
			const { folder } = new WorkerProject({});
			return (await run(['init', '.', '--name=greeter', ...args], { folder })).stdout;
		};
		expect(await stepsOf('--runtime=node', '--auth=bearer')).toMatch(
			/# Set MCP_TOKEN to a token of MCP_TOKENS\n.*probe \S+\/mcp --bearer-env MCP_TOKEN/,
		);
		expect(await stepsOf('--runtime=node')).not.toContain('--bearer-env');
	});

	it('writes nothing without consent', async () => {
		using project = new WorkerProject({ 'notes.txt': 'mine' });
		const { exitCode, stderr } = await run(['init'], { folder: project.folder });
		expect(exitCode).toBe(2);
		expect(stderr).toContain('is not empty: look at --dry-run, and pass --yes to add to it');
		expect(readdirSync(project.folder)).toEqual(['notes.txt']);
	});

	it('edits configuration with its comments, and keeps what is there', async () => {
		using project = new WorkerProject({
			'wrangler.jsonc': wrangler,
			'package.json': '{\n\t"name": "mine",\n\t"scripts": { "dev": "mine" }\n}\n',
			'.gitignore': 'dist',
			'.dev.vars': 'API_TOKEN=1',
		});
		const { exitCode, stdout } = await run(['init', '--yes'], { folder: project.folder });
		expect(exitCode).toBe(0);
		expect(stdout).toMatch(/^edit {2}wrangler\.jsonc$/m);
		expect(stdout).toContain('+');
		const config = project.read('wrangler.jsonc');
		expect(config).toContain('// My Worker');
		expect(config).toContain('"compatibility_date": "2026-08-01", // keep');
		expect(config).toMatch(/"tag": "v2",\s+"new_sqlite_classes": \[\s*"SyncLayer"\s*\]/);
		expect(config).toMatch(/"CACHE"[^]*"TMCP_SESSION_INFO"/);
		expect(JSON.parse(project.read('package.json'))).toMatchObject({
			name: 'mine',
			scripts: { dev: 'mine', deploy: 'wrangler deploy' },
		});
		expect(project.read('.gitignore')).toMatch(/^dist\nnode_modules\n/);
		expect(project.read('.dev.vars')).toMatch(/^API_TOKEN=1\nTMCP_SESSION_KEYS=\S{44}\n$/);
		expect(stdout).not.toContain(readVariable(project.read('.dev.vars'), 'TMCP_SESSION_KEYS'));
		const again = await run(['init', '--yes', '--overwrite'], { folder: project.folder });
		expect(again.stdout).toContain('Nothing to change');
	});

	it('replaces a file only with --overwrite', async () => {
		using project = new WorkerProject({ 'src/index.ts': '// mine\n' });
		const refused = await run(['init', '--yes'], { folder: project.folder });
		expect(refused.exitCode).toBe(2);
		expect(refused.stderr).toContain('src/index.ts would be replaced');
		expect(readdirSync(project.folder)).toEqual(['src']);
		await run(['init', '--yes', '--overwrite'], { folder: project.folder });
		expect(project.read('src/index.ts')).toContain('createMcpHandler');
	});

	it('restores the folder if a file cannot be written', async () => {
		using project = new WorkerProject({ 'wrangler.jsonc': wrangler, test: 'a file, not a folder' });
		const { exitCode } = await run(['init', '--yes'], { folder: project.folder });
		expect(exitCode).not.toBe(0);
		expect(readdirSync(project.folder).toSorted()).toEqual(['test', 'wrangler.jsonc']);
		expect(project.read('wrangler.jsonc')).toBe(wrangler);
	});

	it('shows with --dry-run what it would write', async () => {
		using project = new WorkerProject({});
		const { stdout } = await run(['init', '--dry-run'], { folder: project.folder });
		expect(stdout).toMatch(/^create {2}src\/index\.ts$/m);
		expect(readdirSync(project.folder)).toEqual([]);
	});

	it('writes nothing after Ctrl-C', async () => {
		using project = new WorkerProject({});
		const signal = AbortSignal.abort();
		const { exitCode } = await run(['init'], { folder: project.folder, signal });
		expect(exitCode).toBe(130);
		expect(readdirSync(project.folder)).toEqual([]);
	});

	it.each([
		['the first question', 'Where does the server run?'],
		['the last question', 'Write?'],
	])('leaves the folder as it was after Ctrl-C at %s', async (_, question) => {
		using project = new WorkerProject({ 'notes.txt': 'mine' });
		const bin = fileURLToPath(new URL('../src/bin.ts', import.meta.url));
		// `script` gives the process a terminal.
		const child = spawn(
			'script',
			['-qec', `stty cols 200 rows 50; '${process.execPath}' '${bin}' init`, '/dev/null'],
			{
				cwd: project.folder,
				env: { ...process.env, CI: '' },
			},
		);
		const closed = once(child, 'close');
		const questions = [
			'Where does the server run?',
			'Where are sessions?',
			'Which server library?',
			'How do users sign in?',
			'Do tools take minutes (tasks)?',
			'Write?',
		];
		let output = '';
		child.stdout.on('data', (chunk: Buffer) => {
			output += chunk.toString();
			const [next] = questions;
			if (next === undefined || !output.includes(next)) return;
			questions.shift();
			child.stdin.write(next === question ? '\u0003' : '\r');
		});
		expect((await closed)[0]).toBe(130);
		expect(readdirSync(project.folder)).toEqual(['notes.txt']);
	});

	type Rejection = [files: Record<string, string>, args: string[], message: string];
	it.each<Rejection>([
		[{ 'wrangler.toml': 'name = "a"' }, [], 'init edits wrangler.jsonc only; found wrangler.toml'],
		[{ 'wrangler.jsonc': '{ "name" }' }, [], 'wrangler.jsonc:1: invalid JSONC'],
		[{}, ['--runtime=browser'], 'Expected one of: workers, node, deno, bun, vercel'],
		[
			{},
			['--runtime=node', '--sessions=kv'],
			'--sessions kv does not run on Node.js: choose memory, redis',
		],
		[
			{},
			['--runtime=vercel', '--tasks'],
			'init writes no tasks for --runtime vercel --sessions sealed --library tmcp: a function of Vercel ends with its ' +
				'request. Leave --tasks out, and have QStash run them as ' +
				'https://github.com/tmcp-sessions/tmcp-sessions/blob/main/docs/tasks-qstash.md describes, ' +
				'with --sessions upstash',
		],
		[
			{},
			['--sessions=session-object', '--library=sdk', '--tasks'],
			'--library sdk: sdkServer runs no tasks in a session object. Choose --library tmcp, or keep the ' +
				'sessions of this server elsewhere, such as --sessions durable-object',
		],
		[
			{},
			['--runtime=vercel', '--sessions=upstash', '--tasks'],
			'blob/main/docs/tasks-qstash.md describes\n',
		],
		[
			{},
			['--runtime=vercel', '--sessions=memory'],
			'does not run on Vercel: choose sealed, upstash',
		],
		[{}, ['--auth=basic'], 'Expected one of: none, bearer, oauth-provider'],
		...['Node.js', 'Deno', 'Bun', 'Vercel'].map((runtime): Rejection => [
			{},
			[`--runtime=${runtime.toLowerCase().replace('.js', '')}`, '--auth=oauth-provider'],
			'--auth oauth-provider runs on Cloudflare Workers only, since @cloudflare/workers-oauth-provider ' +
				`stores its grants in Workers KV. On ${runtime}, choose --auth bearer`,
		]),
		[{}, ['--name=My Server'], 'the name must be up to 63 small letters'],
	])('rejects %o with %s', async (files, args, message) => {
		using project = new WorkerProject(files);
		const { exitCode, stderr } = await run(['init', '--yes', ...args], { folder: project.folder });
		expect(exitCode).toBe(2);
		expect(stderr).toContain(message);
		expect(existsSync(join(project.folder, 'src'))).toBe(false);
	});
});
