import type { HttpTransport } from '@tmcp/transport-http';

import type { Callers } from './callers.ts';
import type { CallsAtWork } from './calls-at-work.ts';
import type { DirectCalls } from './direct-calls.ts';
import type { HandlerSeams, Route } from './handler-seams.ts';
import type { OAuthHelper } from './options.ts';
import type { OriginRules } from './origin-rules.ts';
import type { SessionRules } from './session-rules.ts';

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
