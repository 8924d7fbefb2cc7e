import { issueToken } from '../scripts/issue-token.ts';
import { checkGuestbook } from './check.ts';

// Usage: pnpm run client [http://localhost:8787], with JWT_SECRET in .dev.vars
const [url = 'http://localhost:8787'] = process.argv.slice(2);
try {
	const checks = await checkGuestbook(new URL(url), (user) => issueToken(user));
	for (const { title, holds, seen } of checks) {
		console.log(`${holds ? '✓' : '✗'} ${title}: ${JSON.stringify(seen)}`);
	}
	process.exitCode = checks.every(({ holds }) => holds) ? 0 : 1;
} catch (error) {
	console.error(`The server at ${url} did not answer as expected. Is \`wrangler dev\` running?`);
	console.error(error);
	process.exitCode = 1;
}
