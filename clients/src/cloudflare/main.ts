import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const usage = `Usage: npm run verify:cloudflare -- [--url URL] [--client NAME]

Deploys a server to Cloudflare under a random name, runs the MCP clients and a storm of messages against
it, prints what they saw, deletes everything and writes the result into docs/guarantees.md.

--url     runs against a server that is running already, and deploys and writes nothing. Start one with
          npx wrangler dev --config clients/src/worker/wrangler.jsonc
--client  runs only the clients whose name contains NAME, and writes nothing`;

const missingAccount = `npm run verify:cloudflare needs a Cloudflare account. Set both variables and run it again:
  CLOUDFLARE_API_TOKEN   a token that may edit Workers Scripts and Workers KV Storage
  CLOUDFLARE_ACCOUNT_ID  the id of the account, which must have a workers.dev subdomain
Without an account, --url http://localhost:8787 runs against \`wrangler dev\`; --help describes it.`;

const { values } = parseArgs({
	options: {
		url: { type: 'string' },
		client: { type: 'string', default: '' },
		help: { type: 'boolean', default: false },
	},
});
const { CLOUDFLARE_API_TOKEN: apiToken, CLOUDFLARE_ACCOUNT_ID: accountId } = process.env;
// The clients under test run in this process and in its children: only wrangler gets the token.
delete process.env['CLOUDFLARE_API_TOKEN'];

if (values.help) {
	console.log(usage);
} else if (values.url === undefined && (!apiToken || !accountId)) {
	console.error(missingAccount);
	process.exitCode = 1;
} else {
	const build = fileURLToPath(new URL('../../../scripts/build.ts', import.meta.url));
	execFileSync(process.execPath, [build], { stdio: 'inherit' });
	// Imports the packages, which the build has just written.
	const { verifyDeployment, verifyUrl } = await import('./verify.ts');
	const passed =
		values.url === undefined
			? await verifyDeployment({ apiToken, accountId }, values.client)
			: await verifyUrl(new URL(values.url), values.client);
	// The clients may have left connections open.
	process.exit(passed ? 0 : 1);
}
