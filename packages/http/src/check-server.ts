import { configurationError } from './configuration-error.ts';

/**
 * Checks that a server is one of tmcp, which JavaScript and casts do not.
 *
 * @param owner what takes the server, such as `createMcpHandler`.
 * @throws {TmcpSessionsError} `configuration` for any other value.
 */
export function checkServer(server: unknown, owner: string): void {
	const has = (name: string): boolean => typeof Reflect.get(Object(server), name) === 'function';
	if (has('receive') && has('on')) return;
	const needed = `${owner} needs a McpServer of tmcp`;
	if (has('connect')) {
		const fix =
			owner === 'createMcpHandler'
				? 'Give createSdkHandler of @tmcp-sessions/sdk a function that creates it'
				: 'Return sdkServer(() => …) of @tmcp-sessions/sdk from createServer of a SessionObject';
		throw configurationError(
			`${needed}; got a server of the official SDK. ${fix}, with a server of ` +
				"@modelcontextprotocol/server 2.x; or import { McpServer } from 'tmcp'",
		);
	}
	const found = has('then') ? 'a promise: await it' : server === null ? 'null' : typeof server;
	throw configurationError(`${needed}; got ${found}`);
}
