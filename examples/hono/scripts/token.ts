import { sign } from 'hono/jwt';

// A token for `wrangler dev` that is good for an hour: pnpm run token alice [my-client]
const secret = process.env['JWT_SECRET'] ?? '';
const [sub, client_id = 'my-client'] = process.argv.slice(2);
if (sub === undefined || secret === '') {
	console.error('Usage: pnpm run token <user> [<client>], with JWT_SECRET in .dev.vars');
	process.exit(1);
}
const exp = Math.floor(Date.now() / 1000) + 3600;
const aud = 'http://localhost:8787/mcp'; // MCP_RESOURCE of wrangler.jsonc
console.log(await sign({ sub, client_id, aud, exp }, secret, 'HS256'));
