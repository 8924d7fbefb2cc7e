/** Declares the names that snippets use without declaring them: the reader's server, managers and bindings. */
export const readersNames = `
declare namespace Cloudflare {
	interface Env {
		MCP_SESSIONS: string;
		MCP_TOKENS: string;
		PUBLIC_ORIGIN: string;
		TMCP_SESSION_KEYS: string;
	}
}
interface Env extends Cloudflare.Env {}
declare const env: Env;
declare const process: { readonly env: Readonly<Record<string, string | undefined>> };

declare const server: import('tmcp').McpServer;
declare const sessionManager: { streams: typeof streams; info: typeof info };
declare const subscriptionManager: typeof subscriptions;
declare const streams: import('@tmcp/session-manager').StreamSessionManager;
declare const subscriptions: import('@tmcp/session-manager').SubscriptionManager;
declare const info: import('@tmcp/session-manager').InfoSessionManager;
declare const kv: import('@tmcp-sessions/core').StoredInfoSessionManager;
declare const object: import('@tmcp-sessions/core').StoredInfoSessionManager;
declare const redis: import('@tmcp-sessions/core').StoredInfoSessionManager;
declare const mcp: import('@tmcp-sessions/http').McpHandler;
declare function regionOfTenant(request: Request): import('@tmcp-sessions/core').Region | undefined;

type Caller = import('tmcp').AuthInfo;
declare const oauth: import('@tmcp-sessions/http').OAuthHelper;
declare const accessTokens: import('@tmcp-sessions/http').OAuthHelper;
declare const identify: import('@tmcp-sessions/session-object').RouterOptions['identify'];
declare function principalOf(auth: Caller | null): import('@tmcp-sessions/http').Principal | null;
declare function authOf(context: unknown): Caller | null;
declare function authorize(request: Request, env: Env): Promise<Response>;
declare function createDoorServer(): import('tmcp').McpServer;

declare const app: import('hono').Hono<{ Bindings: Env; Variables: { caller: Caller } }>;
declare const bearerAuth: typeof import('hono/bearer-auth').bearerAuth;
declare function verifyToken(token: string): Promise<boolean>;
declare const OAuthProvider: typeof import('@cloudflare/workers-oauth-provider').OAuthProvider;
`;
