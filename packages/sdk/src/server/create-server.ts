import type { McpRequestContext, McpServerFactory } from '@modelcontextprotocol/server';
import { TmcpSessionsError } from '@tmcp-sessions/core';
import { reasonOf, withTimeout } from '@tmcp-sessions/core/backend';

import { configurationError } from '../configuration-error.ts';
import { PACKAGE } from '../package-name.ts';
import { checkSdkServer } from './sdk-server.ts';
import type { SdkServer } from './sdk-server.ts';

/** A factory is slower only if it waits for something that hangs. */
const FACTORY_TIMEOUT_MS = 10_000;

/** What takes a factory, for errors. */
export type FactoryOwner = 'createSdkHandler' | 'sdkServer';

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
	owner: FactoryOwner,
	timeoutMs: number = FACTORY_TIMEOUT_MS,
): CreateServer {
	const failed = (cause: unknown): TmcpSessionsError => factoryError(owner, cause);
	const returned = new WeakSet();
	const check = (product: unknown): SdkServer => {
		const server = checkSdkServer(product, owner);
		if (returned.has(server)) {
			throw configurationError(
				`the factory of ${owner} must return a new server for each message; got one that it has ` +
					'returned before. Create the McpServer inside of the factory',
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
			throw failed(error);
		}
		// Hot path: most factories are synchronous.
		return product instanceof Promise
			? awaited(product, timeoutMs, failed).then(check)
			: check(product);
	};
}

async function awaited<Product>(
	product: Promise<Product>,
	timeoutMs: number,
	failed: (cause: unknown) => TmcpSessionsError,
): Promise<Product> {
	try {
		return await withTimeout(timeoutMs, product, () => {
			const found = `it takes longer than ${timeoutMs / 1000} s. Create what it waits for once, in module scope`;
			return new Error(found);
		});
	} catch (error) {
		throw failed(error);
	}
}

function factoryError(owner: FactoryOwner, cause: unknown): TmcpSessionsError {
	const message = `the factory of ${owner} created no server: ${reasonOf(cause)}`;
	return new TmcpSessionsError('message', PACKAGE, message, { cause });
}
