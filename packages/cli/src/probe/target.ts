import type { Reply } from './connection/call.ts';
import type { Connection } from './connection/connection.ts';
import type { OpenedSession } from './connection/requests.ts';
import type { Platform } from './platform.ts';

/** A tool as `tools/list` returns it. */
export type Tool = Readonly<Record<string, unknown>> & { readonly name: string };

/** How long a call to `tools/list` may take: percentiles in milliseconds. */
export interface LatencyLimits {
	readonly p50?: number | undefined;
	readonly p95?: number | undefined;
	readonly p99?: number | undefined;
}

/** A call of a tool. */
export interface ToolCall {
	readonly name: string;
	readonly arguments: Readonly<Record<string, unknown>>;
}

/** What a probe expects of a server, and what it may use. */
export interface Expectations {
	/** The hash of the tools, as an earlier probe printed it. */
	readonly toolsHash?: string | undefined;
	/** The tools of an earlier probe, for a readable difference. */
	readonly tools?: readonly Tool[] | undefined;
	/** The origin of a web page that must be able to use the server. */
	readonly origin?: string | undefined;
	/** A call that announces a change of a list. */
	readonly changeTool?: ToolCall | undefined;
	/** A call that runs as a task. */
	readonly taskTool?: ToolCall | undefined;
	readonly latency: LatencyLimits;
	/** The number of requests that latency is measured with. */
	readonly latencySamples: number;
	/** Called with the tools of the server. */
	readonly onTools: (tools: readonly Tool[]) => void;
	/** How long streams have to stay open. */
	readonly streamMs: number;
}

/** What a server has said of itself in one era. */
export interface Era {
	readonly serverName: string;
	readonly capabilities: Readonly<Record<string, unknown>>;
}

/** The session-based era, with the session of this probe. */
export interface SessionEra extends Era {
	readonly session: OpenedSession;
}

/** A reply to a handshake that did not open the era. */
export type Refused = Pick<Reply, 'status' | 'response'>;

/** A server that has answered, with what the handshakes of both eras found. */
export interface Target {
	readonly connection: Connection;
	readonly platform: Platform;
	/** `initialize`: the era, or how it was refused. */
	readonly sessionBased: SessionEra | Refused;
	/** `server/discover`: the era, or how it was refused. */
	readonly stateless: Era | Refused;
	readonly expectations: Expectations;
}

/** Whether a server serves an era. */
export function isServed<Served extends Era>(era: Served | Refused): era is Served {
	return 'capabilities' in era;
}
