import { issueToken } from './issue-token.ts';

const [user, client] = process.argv.slice(2);
if (user === undefined) {
	console.error('Usage: pnpm run token <user> [<client>], with JWT_SECRET in .dev.vars');
	process.exit(1);
}
console.log(await issueToken(user, client));
