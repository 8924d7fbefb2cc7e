import type { HttpTransport } from '@tmcp/transport-http';

import type { Authenticator } from '../session/authenticator.ts';
import type { InFlightCalls } from '../calls/in-flight-calls.ts';
import type { DirectCalls } from '../calls/direct-calls.ts';
import type { HandlerSeams, Route } from './handler-seams.ts';
import type { OAuthHelper } from '../options.ts';
import type { OriginGuard } from '../validation/origin-guard.ts';
import type { SessionResolver } from '../session/session-resolver.ts';

/** What an endpoint is made of. */
export interface EndpointDeps<Custom extends Record<string, unknown> | undefined> {
	readonly transport: HttpTransport<Custom>;
	/** None, where the deployment keeps no sessions. */
	readonly sessions: SessionResolver | undefined;
	readonly calls: InFlightCalls;
	readonly origins: OriginGuard;
	readonly callers: Authenticator;
	readonly oauth: OAuthHelper | undefined;
	readonly path: string | null;
	/** Answers without the transport what needs none; none, where every answer is the transport's. */
	readonly direct: DirectCalls<Custom> | undefined;
	readonly context: ((request: Request) => Custom | Promise<Custom>) | undefined;
	readonly maxBodyBytes: number;
	readonly keepAliveMs: number;
	/** Where sessions live, if elsewhere. */
	readonly route: Route | undefined;
	/** Says who is calling, where that was found out before. */
	readonly caller: HandlerSeams['caller'];
}
