import { TmcpSessionsError } from '@tmcp-sessions/core';
import { Redis } from '@upstash/redis';

/** What of `Redis` of `@upstash/redis` is used. Any of its entry points fits, with any settings. */
export interface UpstashRedis {
	pipeline(): UpstashPipeline;
}

/** Commands that go out as one HTTP request. */
export interface UpstashPipeline {
	getex(key: string): unknown;
	eval(script: string, keys: string[], args: string[]): unknown;
	/** The answers, in order. */
	exec(): Promise<unknown>;
}

/** A client's variables, by name: `process.env`, or `env` of a Worker, whose interface has no index. */
export type UpstashVariables = object;

/** Answers may be this late, in milliseconds, before they are given up. */
export const DEFAULT_TIMEOUT_MS = 5_000;

const RETRIES = 2;
const FIRST_PAUSE_MS = 100;

/** As Upstash names them, and as Vercel does. The URL and its token are of one pair. */
const NAMES = [
	['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN'],
	['KV_REST_API_URL', 'KV_REST_API_TOKEN'],
] as const;

/**
 * A client for the database that the variables name: `UPSTASH_REDIS_REST_URL` and
 * `UPSTASH_REDIS_REST_TOKEN`, or `KV_REST_API_URL` and `KV_REST_API_TOKEN`. A request that could not
 * be sent is sent again twice.
 *
 * @param variables `process.env` where there is one, unless given.
 * @throws {TmcpSessionsError} `configuration`, where a variable is missing or the URL is none.
 */
export function createUpstashFromEnv(
	variables: UpstashVariables = processVariables(),
	timeoutMs: number = DEFAULT_TIMEOUT_MS,
): Redis {
	const valueOf = (name: string): unknown => Reflect.get(variables, name);
	const pair = NAMES.find((names) => names.every((name) => isText(valueOf(name))));
	if (!pair) throw missing(NAMES.flat().filter((name) => isText(valueOf(name))));
	// A newline at the end comes with `echo … | wrangler secret put`.
	const [url = '', token = ''] = pair.map((name) => String(valueOf(name)).trim());
	if (!isRestUrl(url)) {
		throw new TmcpSessionsError(
			'configuration',
			'info-upstash',
			`${pair[0]} should be the URL of a REST API, such as https://eu1-name-12345.upstash.io, without ` +
				'user and password; found something else (redis:// is for other clients)',
		);
	}
	return new Redis({
		url,
		token,
		automaticDeserialization: false,
		retry: { retries: RETRIES, backoff: (count) => FIRST_PAUSE_MS * 2 ** count },
		signal: () => AbortSignal.timeout(timeoutMs),
	});
}

function missing(known: readonly string[]): TmcpSessionsError {
	return new TmcpSessionsError(
		'configuration',
		'info-upstash',
		`expected the variables ${NAMES.map((pair) => pair.join(' and ')).join(', or ')}; found ` +
			`${known.length === 0 ? 'none of them' : `${known.join(', ')} alone`}. ` +
			'The console of Upstash shows them under REST.',
	);
}

function isText(value: unknown): boolean {
	return typeof value === 'string' && value !== '';
}

function isRestUrl(url: string): boolean {
	if (!URL.canParse(url)) return false;
	const { protocol, username, password } = new URL(url);
	return /^https?:$/.test(protocol) && username === '' && password === '';
}

function processVariables(): UpstashVariables {
	// Sound: every runtime that has a `process` has its variables there.
	const { process } = globalThis as { process?: { env?: UpstashVariables } };
	return process?.env ?? {};
}
