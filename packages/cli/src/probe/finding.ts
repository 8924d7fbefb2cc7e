import { SECTIONS } from './specification.ts';

/** What a check has found. */
export interface Finding {
	/**
	 * `warned`: allowed by the protocol, or not the server's fault, but clients notice. `skipped`: the
	 * check does not apply to this server, or needs an option.
	 */
	readonly status: 'passed' | 'warned' | 'failed' | 'skipped';
	/** What was seen, in one sentence. It has no token and no session id. */
	readonly message: string;
	/** Why that happens, or what it means for clients. */
	readonly cause?: string;
	/** What to do. */
	readonly fix?: string;
	/** The address of the section of the MCP specification that the check is about. */
	readonly specification?: string;
	/** Values for machines, such as percentiles. */
	readonly values?: Readonly<Record<string, number | string>>;
}

/** The reason and the remedy of a finding. */
export type Advice = Pick<Finding, 'cause' | 'fix' | 'specification' | 'values'>;

/** For a session that works on one connection and is unknown on another. */
export const UNKNOWN_ELSEWHERE: Advice = {
	cause:
		'the session is known only to the isolate or process that opened it: it is in its memory, or the ' +
		'others have another session key',
	fix: 'store sessions where every isolate reads them, and give all of them the same key',
	specification: SECTIONS.sessions,
};

export const passed = (message: string, advice: Advice = {}): Finding => ({
	status: 'passed',
	message,
	...advice,
});

export const warned = (message: string, advice: Advice): Finding => ({
	status: 'warned',
	message,
	...advice,
});

export const failed = (message: string, advice: Advice): Finding => ({
	status: 'failed',
	message,
	...advice,
});

export const skipped = (message: string, advice: Advice = {}): Finding => ({
	status: 'skipped',
	message,
	...advice,
});
