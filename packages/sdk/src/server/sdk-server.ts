import { McpServer, Server } from '@modelcontextprotocol/server';

import { configurationError } from '../configuration-error.ts';

/** A server of the official SDK. */
export type SdkServer = McpServer | Server;

/** Returns the protocol server behind a `McpServer`. */
export function protocolServer(server: SdkServer): Server {
	return server instanceof McpServer ? server.server : server;
}

/** Whether a server handles a method. */
export function hasMethod(server: SdkServer, method: string): boolean {
	try {
		protocolServer(server).assertCanSetRequestHandler(method);
		return false;
	} catch {
		return true;
	}
}

/**
 * Checks that a server is one of the SDK 2.x, which JavaScript and casts do not.
 *
 * @param owner what took its factory.
 * @throws {TmcpSessionsError} `configuration` for any other value.
 */
export function checkSdkServer(server: unknown, owner: string): SdkServer {
	if (server instanceof McpServer || server instanceof Server) return server;
	const has = (name: string): boolean => typeof Reflect.get(Object(server), name) === 'function';
	throw configurationError(
		`the factory of ${owner} must return a McpServer of @modelcontextprotocol/server 2.x; got ` +
			found(server, has, owner),
	);
}

function found(server: unknown, has: (name: string) => boolean, owner: string): string {
	if (has('receive')) {
		const fix =
			owner === 'sdkServer'
				? 'return it from createServer as it is'
				: 'serve it with createMcpHandler of @tmcp-sessions/http';
		return `a server of tmcp: ${fix}`;
	}
	if (has('then')) return 'a promise: create the server synchronously';
	// 2.x has `registerTool` only. `Server` of 1.x sends pings by this name, as that of 2.x does.
	if (has('tool')) {
		return (
			'one of @modelcontextprotocol/sdk 1.x: run npm i @modelcontextprotocol/server, import McpServer ' +
			'from it, and write server.registerTool for server.tool'
		);
	}
	if (has('connect')) {
		return (
			'a server of @modelcontextprotocol/sdk 1.x or of a second copy of @modelcontextprotocol/server: ' +
			'npm ls @modelcontextprotocol/server must list one version'
		);
	}
	return server === null ? 'null' : typeof server;
}
