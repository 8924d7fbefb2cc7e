import type { InfoSessionManager } from '@tmcp/session-manager';
import type { HttpTransport } from '@tmcp/transport-http';

import { DirectCalls } from '../calls/direct-calls.ts';
import type { HandleMessage } from '../calls/direct-calls.ts';
import type { MessageServer, PlatformRequest, ServerInput } from '../endpoint/message-server.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import type { RequestContext } from '../request/request-context.ts';
import { STATELESS_REVISIONS } from './stateless-revisions.ts';
import { followClient, transportRequest } from './transport-request.ts';

/** What a tmcp server answers requests with. */
export interface TmcpMessageServerDeps<Custom extends Record<string, unknown> | undefined> {
	readonly transport: HttpTransport<Custom>;
	/** Hands the server a message without the transport. */
	readonly handle: HandleMessage;
	/** Undefined if the deployment has no sessions. */
	readonly info: InfoSessionManager | undefined;
	/** Whether responses need CORS headers, which the transport adds. */
	readonly hasCors: boolean;
}

/** Answers requests with a tmcp server: directly if it answers at once, else by its `HttpTransport`. */
export class TmcpMessageServer<
	Custom extends Record<string, unknown> | undefined,
> implements MessageServer<Custom> {
	readonly statelessRevisions: readonly string[] = STATELESS_REVISIONS;
	readonly #transport: HttpTransport<Custom>;
	readonly #direct: DirectCalls<Custom>;
	readonly #hasCors: boolean;

	constructor({ transport, handle, info, hasCors }: TmcpMessageServerDeps<Custom>) {
		this.#transport = transport;
		this.#direct = new DirectCalls(handle, info);
		this.#hasCors = hasCors;
	}

	followClient(request: PlatformRequest | undefined, context: RequestContext): void {
		followClient(request, context);
	}

	acceptsDirectly(context: RequestContext): boolean {
		return !this.#hasCors && this.#direct.accepts(context);
	}

	answerDirectly(
		context: RequestContext,
		custom: Custom | undefined,
	): Promise<JsonObject | undefined> {
		return this.#direct.answer(context, custom);
	}

	async respond(
		request: PlatformRequest | undefined,
		context: RequestContext,
		{ custom, message }: ServerInput<Custom>,
	): Promise<Response> {
		const own = transportRequest(request, context, message);
		const response = await this.#transport.respond(own, custom);
		return response ?? new Response('Not found', { status: 404 });
	}
}
