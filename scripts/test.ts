import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { build } from './build.ts';
import { describeFailure } from './command.ts';
import { installChromium } from './install-chromium.ts';
import { installRedis } from './install-redis.ts';
import { createMemoryDirectory } from './memory-directory.ts';
import { repository } from './workspace.ts';

/** The projects whose tests start `redis-server`. */
const REDIS_PROJECTS: ReadonlySet<string> = new Set([
	'benchmarks',
	'cli',
	'example-conformance',
	'example-runtimes',
	'example-worker-choose',
	'http',
	'info-redis',
	'info-upstash',
	'redis',
	'soak',
	'streams-redis',
	'tasks-redis',
	'testkit',
]);

/** The projects whose tests open Chromium. */
const CHROMIUM_PROJECTS: ReadonlySet<string> = new Set(['http', 'site', 'testkit']);

/** Returns false if the arguments name projects (`--project core`), none of which is one of these. */
function needsAny(projects: ReadonlySet<string>, args: readonly string[]): boolean {
	const names = args.flatMap((arg, index) => {
		if (arg.startsWith('--project=')) return [arg.slice('--project='.length)];
		return arg === '--project' ? [args[index + 1] ?? ''] : [];
	});
	// A pattern (`example-*`, `!core`) may select any project.
	return names.length === 0 || names.some((name) => /[*!]/.test(name) || projects.has(name));
}

console.error('Building the packages …');
try {
	await build();
} catch (failure) {
	console.error(describeFailure(failure));
	console.log('\nThe build failed: no test ran.\n0 passed, 1 failed');
	process.exit(1);
}
// `apt-get install` takes longer than all tests of a project such as `core`.
if (needsAny(REDIS_PROJECTS, process.argv.slice(2))) await installRedis();
if (needsAny(CHROMIUM_PROJECTS, process.argv.slice(2))) await installChromium();
// Tests spend half of their time waiting for workerd's timers, such as the 10 s before an object
// hibernates: twice as many files as cores keep the cores busy. Vitest's default is one file fewer than
// cores, and so one file at a time on two cores.
const workers = String(2 * availableParallelism());
// workerd waits for the disk after each write to KV or a Durable Object, in its temporary directory: on
// a disk a write to an object takes ten times as long.
const memory = process.env['TMPDIR'] === undefined ? createMemoryDirectory() : undefined;
// Arguments after `npm test --` go to Vitest: a file name, `--project core`, `-t name`.
const vitest = spawn('vitest', ['run', ...process.argv.slice(2)], {
	cwd: repository,
	stdio: 'inherit',
	env: { VITEST_MAX_WORKERS: workers, ...(memory && { TMPDIR: memory.path }), ...process.env },
});
// Ctrl-C reaches Vitest too: wait until it has ended.
process.on('SIGINT', () => {});
vitest.on('error', (error) => {
	console.error(`vitest failed to start: ${error.message}`);
	process.exitCode = 1;
});
vitest.on('close', (status) => {
	memory?.remove();
	process.exitCode = status ?? 1;
});
