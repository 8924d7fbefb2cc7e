import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import { createReporter } from '@tmcp-sessions/core/backend';
import { hasSessionSealing } from '@tmcp-sessions/core/internal';
import type { InfoSessionManager } from '@tmcp/session-manager';

import { checkDeployment } from './check-deployment.ts';
import { connectExtension, wrapServer } from './connect-extension.ts';
import { endpointPath } from './endpoint/endpoint-path.ts';
import type { HandlerComposition } from './endpoint/route.ts';
import type { RequestRouter } from './endpoint/request-router.ts';
import { McpEndpoint } from './endpoint/mcp-endpoint.ts';
import { MessageEndpoint } from './endpoint/message-endpoint.ts';
import { serveEndpoint } from './endpoint/serve-endpoint.ts';
import type { ConnectServer, ServerBackend } from './endpoint/server-backend.ts';
import type { ExecutionContextLike, McpHandler, McpHandlerOptions } from './options.ts';
import type { CarriedSecrets } from './request/request-context.ts';
import { resolveOptions } from './resolve-options.ts';
import { createDefaultCodec } from './request-state/default-sealing.ts';
import { SessionIdentifier } from './session/session-identifier.ts';
import { secretsOf, sessionKeys } from './session/session-keys.ts';
import type { SessionKeys } from './session/session-keys.ts';
import { SessionLiveness } from './session/session-liveness.ts';
import { checkCreation } from './warnings.ts';

const DEFAULT_PATH = '/mcp';

/** What a handler has besides its options. */
export interface HandlerParts<Custom> extends Pick<HandlerComposition, 'sessionIds'> {
	/** The function that creates the handler, for its errors and warnings. */
	readonly owner: string;
	readonly connect: ConnectServer<Custom>;
	readonly router?: RequestRouter | undefined;
}

/** Creates a handler for a server of any library. */
export function createHandler<Custom extends Record<string, unknown> | undefined = undefined>(
	options: McpHandlerOptions<Custom>,
	{ owner, connect, router, sessionIds }: HandlerParts<Custom>,
): McpHandler {
	const report = createReporter(options.onError);
	const resolved = resolveOptions(options);
	const { authorizeSubscription, context: createCustom, oauth } = options;
	const path = options.path === null ? null : endpointPath('path', options.path ?? DEFAULT_PATH);
	checkCreation(owner, path);
	const info = resolved.eras === 'stateless' ? undefined : options.info;
	// Session keys come with the environment of the first request.
	let keys: SessionKeys | undefined;
	const place = { kind: router ? 'routed' : 'isolate' } as const;
	const extended = connectExtension(options, { report, place, late: () => ({ ...backend, keys }) });
	const secrets: CarriedSecrets = (_to, request) => secretsOf(keys, request);
	const backend: ServerBackend<Custom> = connect({
		...resolved,
		streams: options.streams ?? new InMemoryStreamSessionManager(),
		info,
		report,
		secrets,
		...extended,
		defaultCodec: createDefaultCodec(() => keys && sharedSecrets(keys, info)),
		authorizeSubscription,
		hasAuth: oauth !== undefined,
	});
	const messages = new MessageEndpoint<Custom>({
		...backend,
		...resolved,
		router,
		createCustom,
		extension: extended.extension,
		server: wrapServer(backend.server, extended.extension, options.telemetry),
		liveness: info && new SessionLiveness(info),
	});
	const createEndpoint = (env: unknown, platform?: ExecutionContextLike): McpEndpoint<Custom> => {
		checkDeployment(owner, { ...options, info }, platform);
		keys = sessionKeys(options.sessionKeys, env);
		return new McpEndpoint<Custom>({
			...resolved,
			messages,
			router,
			oauth,
			path,
			report,
			secrets,
			ids: info && new SessionIdentifier(keys, info, sessionIds),
		});
	};
	return serveEndpoint(createEndpoint, resolved.origins, report);
}

/**
 * Returns the secrets for what a client carries between isolates. Keys that were generated for this
 * process serve only where sessions too are limited to it.
 */
function sharedSecrets(
	{ isOfThisProcess, secrets }: SessionKeys,
	info: InfoSessionManager | undefined,
): readonly string[] | undefined {
	const isLimited = info !== undefined && !hasSessionSealing(info);
	return isOfThisProcess && !isLimited ? undefined : secrets;
}
