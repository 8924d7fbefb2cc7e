import type { InfoSessionManager } from '@tmcp/session-manager';

import { readInfo } from '../calls/direct-calls.ts';
import type { HandleMessage } from '../calls/direct-calls.ts';
import type { InFlightCalls } from '../calls/in-flight-calls.ts';
import type { ClientMetadata, ExtensionAccess } from '../endpoint/server-extension.ts';
import type { ServerOf } from '../options.ts';
import { runInBackground } from '../backend/background-calls.ts';
import type { CarriedSecrets } from '../request/request-context.ts';
import { checkParameterHeaders } from '../validation/mirrored-headers.ts';
import type { ExtensionRequests } from '../backend/extension-requests.ts';

/** What the access of an extension depends on. */
export interface ExtensionAccessDeps {
	readonly calls: InFlightCalls;
	readonly handle: HandleMessage;
	/** Undefined if the deployment has no sessions. */
	readonly info: InfoSessionManager | undefined;
	readonly requests: ExtensionRequests;
	readonly secrets: CarriedSecrets | undefined;
	readonly report: (error: unknown) => void;
	/** Called before the server gets a message in the background. */
	readonly prepare: () => void;
}

/** Creates what an extension may use of a server. */
export function createExtensionAccess<Custom extends Record<string, unknown> | undefined>(
	server: ServerOf<Custom>,
	{ calls, handle, info, prepare, report, requests, secrets }: ExtensionAccessDeps,
): ExtensionAccess {
	return {
		runInBackground(call) {
			prepare();
			return runInBackground(handle, calls, call, { report, secrets });
		},
		async clientMetadata({ sessionId }) {
			// Safe because validation has checked what the session declared.
			return (info && sessionId ? await readInfo(info, sessionId) : {}) as ClientMetadata;
		},
		sendRequest: (context, request, write) => requests.send(calls, context, request, write),
		async respond(response) {
			// Safe because the server checks it.
			await server.receive(response as unknown as Parameters<typeof server.receive>[0]);
		},
		hasTool: (name, call) =>
			server.validateToolCall(name, {}, (schema) => {
				if (call) checkParameterHeaders(call, schema);
			}),
		// Safe because the server rejects a schema that is not of its library.
		elicit: (text, schema) => server.elicitation(text, schema as never),
		// The default of the total is 1.
		progress: (count, text) => server.progress(count, count + 1, text),
	};
}
