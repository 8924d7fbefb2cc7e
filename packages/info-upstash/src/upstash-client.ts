import { TmcpSessionsError } from '@tmcp-sessions/core';
import { Redis } from '@upstash/redis';

/** The used methods of `Redis` of `@upstash/redis`, from any entry point and with any settings. */
export interface UpstashRedis {
	pipeline(): UpstashPipeline;
}

/** Commands that are sent in one HTTP request. */
export interface UpstashPipeline {
	getex(key: string): unknown;
	eval(script: string, keys: string[], args: string[]): unknown;
	/** Sends the commands and returns their results in order. */
	exec(): Promise<unknown>;
}

/** Variables by name: `process.env`, or the `env` of a Worker, whose interface has no index. */
export type UpstashVariables = object;

/** How long an operation waits for a response by default. */
export const DEFAULT_TIMEOUT_MS = 5_000;

const RETRIES = 2;
const FIRST_PAUSE_MS = 100;

/** The names of Upstash, and those of Vercel. A URL and a token are taken from one pair. */
const NAMES = [
	['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN'],
	['KV_REST_API_URL', 'KV_REST_API_TOKEN'],
] as const;

/**
 * Creates a client from the variables `UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN`, or
 * `KV_REST_API_URL` and `KV_REST_API_TOKEN`. The client retries a failed connection twice.
 *
 * @param variables default: `process.env`, if the runtime has it.
 * @throws {TmcpSessionsError} `configuration`, if a variable is missing or the URL is invalid.
 */
export function createUpstashFromEnv(
	variables: UpstashVariables = processVariables(),
	timeoutMs: number = DEFAULT_TIMEOUT_MS,
): Redis {
	const valueOf = (name: string): unknown => Reflect.get(variables, name);
	const pair = NAMES.find((names) => names.every((name) => isText(valueOf(name))));
	if (!pair) throw missing(NAMES.flat().filter((name) => isText(valueOf(name))));
	// `echo … | wrangler secret put` appends a newline.
	const [url = '', token = ''] = pair.map((name) => String(valueOf(name)).trim());
	if (!isRestUrl(url)) {
		throw new TmcpSessionsError(
			'configuration',
			'info-upstash',
			`${pair[0]} must be the URL of a REST API without user and password, such as ` +
				'https://eu1-name-12345.upstash.io; got another URL (redis:// is for other clients)',
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

function missing(found: readonly string[]): TmcpSessionsError {
	return new TmcpSessionsError(
		'configuration',
		'info-upstash',
		`set the variables ${NAMES.map((pair) => pair.join(' and ')).join(', or ')}; got ` +
			`${found.length === 0 ? 'none' : `only ${found.join(', ')}`}. ` +
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
	// Safe because every runtime with a `process` has its variables there.
	const { process } = globalThis as { process?: { env?: UpstashVariables } };
	return process?.env ?? {};
}
