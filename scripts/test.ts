import { spawn } from 'node:child_process';
import { build } from './build.ts';
import { describeFailure } from './command.ts';
import { installRedis } from './install-redis.ts';
import { repository } from './workspace.ts';

console.error('Building the packages …');
try {
	await build();
} catch (failure) {
	console.error(describeFailure(failure));
	console.log('\nThe build failed, so no test ran.\n0 passed, 1 failed');
	process.exit(1);
}
await installRedis();
// What follows `npm test --` reaches vitest: a file name, `--project core`, `-t name`.
const vitest = spawn('vitest', ['run', ...process.argv.slice(2)], {
	cwd: repository,
	stdio: 'inherit',
});
vitest.on('error', (error) => {
	console.error(`vitest does not start: ${error.message}`);
	process.exitCode = 1;
});
vitest.on('close', (status) => {
	process.exitCode = status ?? 1;
});
