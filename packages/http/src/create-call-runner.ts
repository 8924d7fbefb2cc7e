import { createReporter } from '@tmcp-sessions/core/backend';

import { checkServer } from './check-server.ts';
import type { CallRunner, CallRunnerOptions } from './calls/routed-call.ts';
import { connectExtension, wrapServer } from './connect-extension.ts';
import { MessageEndpoint } from './endpoint/message-endpoint.ts';
import { incomingCall } from './endpoint/routed-request.ts';
import type { ServerBackend } from './endpoint/server-backend.ts';
import type { ServerOf } from './options.ts';
import { resolveOptions } from './resolve-options.ts';
import { createDefaultCodec } from './request-state/default-sealing.ts';
import { rejectionAnswer } from './response/rejection-answer.ts';
import { SessionLiveness } from './session/session-liveness.ts';
import { createTmcpBackend } from './transport/create-tmcp-backend.ts';
import { checkBodyLength, checkContentType } from './validation/body.ts';

/**
 * Creates what answers the calls that a Worker sends to the object of a session. The Worker
 * has checked path, host, origin, caller and session id.
 *
 * @throws {TmcpSessionsError} `configuration`, as `createMcpHandler` does.
 */
export function createCallRunner<Custom extends Record<string, unknown> | undefined = undefined>(
	server: ServerOf<Custom>,
	options: CallRunnerOptions,
): CallRunner {
	checkServer(server, 'createServer of a SessionObject');
	const report = createReporter(options.onError);
	const { clientResponseTimeoutMs, eras, keepAliveMs, maxBodyBytes } = resolveOptions(options);
	const { authorizeSubscription, info, objectId = '', onPrimed, stateSecrets, streams } = options;
	const extended = connectExtension(options, {
		report,
		late: () => backend,
		objectSecrets: stateSecrets,
		place: { kind: 'object', id: objectId },
	});
	const backend: ServerBackend<Custom> = createTmcpBackend<Custom>(server, {
		streams,
		info,
		clientResponseTimeoutMs,
		keepAliveMs,
		onPrimed,
		report,
		secrets: stateSecrets,
		...extended,
		hasAuth: true,
		authorizeSubscription,
		defaultCodec: createDefaultCodec(stateSecrets ?? (() => undefined)),
	});
	const messages = new MessageEndpoint<Custom>({
		...backend,
		eras,
		keepAliveMs,
		router: undefined,
		createCustom: undefined,
		extension: extended.extension,
		server: wrapServer(backend.server, extended.extension, options.telemetry),
		liveness: new SessionLiveness(info),
	});
	const run: CallRunner['run'] = async (call, platform) => {
		try {
			const incoming = incomingCall(call, platform, report, stateSecrets);
			if (call.method !== 'POST') return await messages.answerBodyless(incoming);
			checkContentType(incoming.headers);
			checkBodyLength(call.body.length, maxBodyBytes);
			return await messages.answer(incoming, call.body);
		} catch (error) {
			return rejectionAnswer(error, report);
		}
	};
	return { run, extension: extended.extension };
}
