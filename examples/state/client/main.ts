import { checkDrafts } from './check.ts';

const [url = 'http://localhost:8787'] = process.argv.slice(2);
try {
	const checks = await checkDrafts(() => new URL(url));
	for (const { title, holds, seen } of checks) {
		console.log(`${holds ? '✓' : '✗'} ${title}: ${JSON.stringify(seen)}`);
	}
	process.exitCode = checks.every(({ holds }) => holds) ? 0 : 1;
} catch (error) {
	console.error(`The server at ${url} did not answer as expected. Is \`wrangler dev\` running?`);
	console.error(error);
	process.exitCode = 1;
}
