import type { McpRequestContext, McpServerFactory } from '@modelcontextprotocol/server';
import { TmcpSessionsError } from '@tmcp-sessions/core';
import { reasonOf, withTimeout } from '@tmcp-sessions/core/backend';

import { configurationError } from '../configuration-error.ts';
import { PACKAGE } from '../package-name.ts';
import { checkSdkServer } from './sdk-server.ts';
import type { SdkServer } from './sdk-server.ts';

/** A factory is slower only if it waits for something that hangs. */
const FACTORY_TIMEOUT_MS = 10_000;

/** Creates the server of one message. */
export type CreateServer = (context: McpRequestContext) => SdkServer | Promise<SdkServer>;

/**
 * Returns the factory with checks of what it returns.
 *
 * @returns what throws a {TmcpSessionsError} `configuration` for a value that is no server of the SDK 2.x
 * or was returned before, and `message` if the factory throws or takes longer than 10 s.
 */
export function createServerWith(
	factory: McpServerFactory,
	timeoutMs: number = FACTORY_TIMEOUT_MS,
): CreateServer {
	const returned = new WeakSet();
	const check = (product: unknown): SdkServer => {
		const server = checkSdkServer(product);
		if (returned.has(server)) {
			throw configurationError(
				'the factory of createSdkHandler must return a new server for each message; got one that it ' +
					'has returned before. Create the McpServer inside of the factory',
			);
		}
		returned.add(server);
		return server;
	};
	return (context) => {
		let product: ReturnType<McpServerFactory>;
		try {
			product = factory(context);
		} catch (error) {
			throw factoryError(error);
		}
		// Hot path: most factories are synchronous.
		return product instanceof Promise ? awaited(product, timeoutMs).then(check) : check(product);
	};
}

async function awaited<Product>(product: Promise<Product>, timeoutMs: number): Promise<Product> {
	try {
		return await withTimeout(timeoutMs, product, () => {
			const found = `it takes longer than ${timeoutMs / 1000} s. Create what it waits for once, in module scope`;
			return new Error(found);
		});
	} catch (error) {
		throw factoryError(error);
	}
}

function factoryError(cause: unknown): TmcpSessionsError {
	const message = `the factory of createSdkHandler created no server: ${reasonOf(cause)}`;
	return new TmcpSessionsError('message', PACKAGE, message, { cause });
}
