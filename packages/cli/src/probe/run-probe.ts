import { CHECKS } from './checks/index.ts';
import type { Check } from './checks/index.ts';
import type { Connection } from './connection/connection.ts';
import { failed } from './finding.ts';
import type { Finding } from './finding.ts';
import { closeTarget, openTarget } from './open-target.ts';
import { ProbeError } from './probe-error.ts';
import type { Expectations, Target, Tool } from './target.ts';

/** A finding with its check. */
export interface CheckResult extends Finding {
	readonly check: string;
	readonly durationMs: number;
}

/** What a probe has found. */
export interface ProbeReport {
	/** The address without query and credentials. */
	readonly url: string;
	readonly platform: string;
	/** `failed` if one of the checks failed. */
	readonly status: 'passed' | 'failed';
	/** When the probe began, in ISO 8601. */
	readonly startedAt: string;
	readonly durationMs: number;
	readonly results: readonly CheckResult[];
}

/** Options of `probe`. */
export interface ProbeOptions extends Partial<Omit<Expectations, 'onTools'>> {
	/** Headers of every request, such as `Authorization`. */
	readonly headers?: Readonly<Record<string, string>>;
	/** How long a response may take. Default 10,000. */
	readonly timeoutMs?: number;
	/** Default: the global one. */
	readonly fetch?: typeof fetch;
	readonly signal?: AbortSignal;
	/** Called with the tools of the server, so that they can be saved. */
	readonly onTools?: (tools: readonly Tool[]) => void;
	/** Called after each check. */
	readonly onResult?: (result: CheckResult) => void;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_SAMPLES = 20;
const DEFAULT_STREAM_MS = 3_000;

/**
 * Does what MCP clients do, and reports what they experience. Works with any server of Streamable HTTP,
 * and changes nothing on it: it opens one session and ends it.
 *
 * @throws {ProbeError} if the address cannot be probed: no network, no MCP endpoint, no permission.
 */
export async function probe(
	address: string | URL,
	options: ProbeOptions = {},
): Promise<ProbeReport> {
	const started = Date.now();
	const connection = connectionOf(address, options);
	const target = await openTarget(connection, expectationsOf(options));
	const results: CheckResult[] = [];
	try {
		for (const [check, run] of Object.entries(CHECKS)) {
			const result = await runCheck(check, run, target);
			results.push(result);
			options.onResult?.(result);
		}
	} finally {
		const isEnded = results.some(
			({ check, status }) => check === 'end-of-session' && status === 'passed',
		);
		if (!isEnded) await closeTarget(target);
	}
	const { origin, pathname } = connection.url;
	return {
		url: `${origin}${pathname}`,
		platform: target.platform.name,
		status: results.some(({ status }) => status === 'failed') ? 'failed' : 'passed',
		startedAt: new Date(started).toISOString(),
		durationMs: Date.now() - started,
		results,
	};
}

async function runCheck(check: string, run: Check, target: Target): Promise<CheckResult> {
	const startMs = performance.now();
	const finding = await run(target).catch((error: unknown): Finding => {
		if (!(error instanceof ProbeError) || error.code === 'interrupted') throw error;
		return failed(error.message, { fix: error.fix });
	});
	return { check, ...finding, durationMs: Math.round(performance.now() - startMs) };
}

function connectionOf(address: string | URL, options: ProbeOptions): Connection {
	return {
		url: parseAddress(address),
		headers: options.headers ?? {},
		timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
		fetch: options.fetch ?? ((input, init) => fetch(input, init)),
		signal: options.signal ?? new AbortController().signal,
	};
}

function expectationsOf(options: ProbeOptions): Expectations {
	return {
		toolsHash: options.toolsHash,
		tools: options.tools,
		origin: options.origin,
		changeTool: options.changeTool,
		taskTool: options.taskTool,
		latency: options.latency ?? {},
		latencySamples: options.latencySamples ?? DEFAULT_SAMPLES,
		onTools: options.onTools ?? (() => {}),
		streamMs: options.streamMs ?? DEFAULT_STREAM_MS,
	};
}

/** @throws {ProbeError} `invalid-url`. */
function parseAddress(address: string | URL): URL {
	const text = String(address);
	const url = URL.parse(text);
	if (url?.protocol === 'http:' || url?.protocol === 'https:') {
		if (url.username === '' && url.password === '') return url;
		throw new ProbeError(
			'invalid-url',
			'the URL contains a user name or a password',
			"pass it as a header instead: --header 'Authorization: Basic …'",
		);
	}
	const guess = `https://${text.replace(/^\w+:\/\//, '')}`;
	throw new ProbeError(
		'invalid-url',
		`the address must be an http or https URL; got ${text || 'nothing'}`,
		URL.canParse(guess) ? `did you mean ${guess}?` : 'example: https://example.com/mcp',
	);
}
