import type { HttpTransport } from '@tmcp/transport-http';

import type { Callers } from '../session/authenticator.ts';
import type { CallsAtWork } from '../calls/in-flight-calls.ts';
import type { DirectCalls } from '../calls/direct-calls.ts';
import type { HandlerSeams, Route } from './handler-seams.ts';
import type { OAuthHelper } from '../options.ts';
import type { OriginRules } from '../validation/origin-guard.ts';
import type { SessionRules } from '../session/session-resolver.ts';

/** What an endpoint is made of. */
export interface EndpointParts<Custom extends Record<string, unknown> | undefined> {
	readonly transport: HttpTransport<Custom>;
	/** None, where the deployment keeps no sessions. */
	readonly sessions: SessionRules | undefined;
	readonly calls: CallsAtWork;
	readonly origins: OriginRules;
	readonly callers: Callers;
	readonly oauth: OAuthHelper | undefined;
	readonly path: string | null;
	/** Answers without the transport what needs none; none, where every answer is the transport's. */
	readonly direct: DirectCalls<Custom> | undefined;
	readonly context: ((request: Request) => Custom | Promise<Custom>) | undefined;
	readonly maxBodyBytes: number;
	readonly heartbeatMs: number;
	/** Where sessions live, if elsewhere. */
	readonly route: Route | undefined;
	/** Says who is calling, where that was found out before. */
	readonly caller: HandlerSeams['caller'];
}
