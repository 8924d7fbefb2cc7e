import { checkNotes } from './check.ts';

const [url = 'http://localhost:8787/mcp'] = process.argv.slice(2);
try {
	const checks = await checkNotes(new URL(url));
	for (const { title, passed, actual } of checks) {
		console.log(`${passed ? '✓' : '✗'} ${title}: ${JSON.stringify(actual)}`);
	}
	process.exitCode = checks.every(({ passed }) => passed) ? 0 : 1;
} catch (error) {
	console.error(`The server at ${url} did not respond as expected. Is \`wrangler dev\` running?`);
	console.error(error);
	process.exitCode = 1;
}
