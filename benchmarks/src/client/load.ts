import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import autocannon from 'autocannon';
import type { Context, Request } from 'autocannon';
import type { McpRequest } from './mcp.ts';

/** One request and its expected response. */
export interface LoadStep {
	readonly request: McpRequest;
	/** Part of the body of every response. */
	readonly expected: string;
	/** Whether it belongs to the session that an earlier step of the same connection opened. */
	readonly inSession?: boolean;
}

/** The requests to send, over connections of their own. */
export interface LoadJob {
	readonly url: string;
	/** The steps of each connection, repeated in order. Every connection has the same number of steps. */
	readonly steps: readonly (readonly LoadStep[])[];
	/** How many times all steps are sent, by all connections together. */
	readonly rounds: number;
}

/** One call after another, for some time. */
export interface LatencyJob {
	readonly url: string;
	readonly step: LoadStep;
	readonly windowMs: number;
	/** The pause between two calls. */
	readonly gapMs: number;
}

/** Sends load from a separate process, so that it does not wait for the one that measures. */
export class Load {
	readonly #child = fork(import.meta.filename);
	readonly #exited = once(this.#child, 'exit');

	/** Sends the requests and returns how many times a second all steps were done. Rejects if a response is wrong. */
	async roundsPerSecond(job: LoadJob): Promise<number> {
		const report = await this.#run(job);
		if (typeof report === 'number') return report;
		throw new Error(`${job.url}: ${String(report)}`);
	}

	/** Returns how long each call took. Rejects if a response is wrong. */
	async latenciesMs(job: LatencyJob): Promise<number[]> {
		const report = await this.#run(job);
		// Safe because the process reports numbers, or a text.
		if (Array.isArray(report)) return report as number[];
		throw new Error(`${job.url}: ${String(report)}`);
	}

	async #run(job: LoadJob | LatencyJob): Promise<unknown> {
		this.#child.send(job);
		const reported = once(this.#child, 'message');
		const [report]: unknown[] = await Promise.race([reported, this.#exited]);
		return this.#child.exitCode === null ? report : 'the process has ended';
	}

	/** Ends the process. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.#child.disconnect();
		await this.#exited;
	}
}

/** Runs one job to its end and returns the rounds a second, or the first failure. */
async function run({ url, steps, rounds }: LoadJob): Promise<number | string> {
	let connection = 0;
	let failure: string | undefined;
	const startMs = performance.now();
	let endMs = startMs;
	const amount = rounds * (steps[0]?.length ?? 0);
	const running = autocannon({
		url,
		connections: steps.length,
		amount,
		sampleInt: 20,
		setupClient(client) {
			const own = steps[connection % steps.length] ?? [];
			connection += 1;
			const onWrong = (reason: string): void => {
				failure ??= reason;
				running.stop();
			};
			client.setRequests(own.map((step) => createRequest(step, onWrong)));
		},
	});
	running.on('response', () => (endMs = performance.now()));
	const { errors, timeouts, non2xx, '2xx': succeeded } = await running;
	if (failure !== undefined) return failure;
	if (errors + timeouts + non2xx > 0 || succeeded !== amount) {
		return (
			`all of ${amount} requests must succeed; got ${succeeded}, ${non2xx} other statuses, ` +
			`${errors} errors, ${timeouts} of them timeouts`
		);
	}
	return (rounds * 1000) / (endMs - startMs);
}

async function timeCalls({ url, step, windowMs, gapMs }: LatencyJob): Promise<number[]> {
	const latencies: number[] = [];
	const endMs = performance.now() + windowMs;
	while (performance.now() < endMs) {
		const startMs = performance.now();
		const response = await fetch(url, step.request);
		const body = await response.text();
		latencies.push(performance.now() - startMs);
		if (!body.includes(step.expected)) throw new Error(`got ${response.status} ${body}`);
		await delay(gapMs);
	}
	return latencies;
}

/** Creates the request of a step, which reports a wrong response. */
function createRequest(
	{ request, expected, inSession }: LoadStep,
	onWrong: (reason: string) => void,
): Request {
	return {
		...request,
		...(inSession && { setupRequest: withSession }),
		onResponse(status, body, context, headers) {
			if (status >= 300 || !body.includes(expected)) {
				onWrong(`must return ${JSON.stringify(expected)}; got ${status} ${JSON.stringify(body)}`);
			}
			const session = Object.entries(headers).find(
				([name]) => name.toLowerCase() === 'mcp-session-id',
			);
			if (session) context.session ??= session[1];
		},
	};
}

function withSession(request: Request, { session }: Context): Request {
	return { ...request, headers: { ...request.headers, 'mcp-session-id': session ?? '' } };
}

if (import.meta.main) {
	process.on('message', (job: LoadJob | LatencyJob) => {
		const report: Promise<unknown> = 'windowMs' in job ? timeCalls(job) : run(job);
		report.then(
			(found) => process.send?.(found),
			(error: unknown) => process.send?.(String(error)),
		);
	});
}
