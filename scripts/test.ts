import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { build } from './build.ts';
import { describeFailure } from './command.ts';
import { installRedis } from './install-redis.ts';
import { repository } from './workspace.ts';

/** Projects with tests that start `redis-server`. */
const REDIS_PROJECTS: ReadonlySet<string> = new Set([
	...['testkit', 'info-upstash', 'benchmarks', 'example-runtimes', 'example-worker-choose'],
]);

/** Returns false if the arguments name projects (`--project core`) and none of these needs Redis. */
function needsRedis(args: readonly string[]): boolean {
	const names = args.flatMap((arg, index) => {
		if (arg.startsWith('--project=')) return [arg.slice('--project='.length)];
		return arg === '--project' ? [args[index + 1] ?? ''] : [];
	});
	// A pattern (`example-*`, `!core`) may select any project.
	return names.length === 0 || names.some((name) => /[*!]/.test(name) || REDIS_PROJECTS.has(name));
}

console.error('Building the packages …');
try {
	await build();
} catch (failure) {
	console.error(describeFailure(failure));
	console.log('\nThe build failed, so no test ran.\n0 passed, 1 failed');
	process.exit(1);
}
// Installing it with apt-get takes longer than all tests of a project such as `core`.
if (needsRedis(process.argv.slice(2))) await installRedis();
// Half of their time the tests wait, for what workerd does by the clock: one file more than there are
// cores keeps those busy. By itself vitest runs one fewer, and so one file at a time on two cores.
const files = String(availableParallelism() + 1);
// What follows `npm test --` reaches vitest: a file name, `--project core`, `-t name`.
const vitest = spawn('vitest', ['run', ...process.argv.slice(2)], {
	cwd: repository,
	stdio: 'inherit',
	env: { VITEST_MAX_WORKERS: files, ...process.env },
});
vitest.on('error', (error) => {
	console.error(`vitest does not start: ${error.message}`);
	process.exitCode = 1;
});
vitest.on('close', (status) => {
	process.exitCode = status ?? 1;
});
