import { checkHybrid, ERAS } from './check.ts';

const [url = 'http://localhost:8787/mcp'] = process.argv.slice(2);
try {
	for (const era of Object.keys(ERAS)) {
		// Safe because these are the keys of the record.
		const checks = await checkHybrid(new URL(url), era as keyof typeof ERAS);
		for (const { title, passed, actual } of checks) {
			console.log(`${passed ? '✓' : '✗'} ${era}: ${title}: ${JSON.stringify(actual)}`);
			if (!passed) process.exitCode = 1;
		}
	}
} catch (error) {
	console.error(`The server at ${url} did not respond as expected. Is \`run dev\` running?`);
	console.error(error);
	process.exitCode = 1;
}
