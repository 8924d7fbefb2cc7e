/** The secret that principal.ts reads. `wrangler types` generates such a file for all bindings. */
declare namespace Cloudflare {
	interface Env {
		readonly MCP_TOKENS: string;
	}
}
