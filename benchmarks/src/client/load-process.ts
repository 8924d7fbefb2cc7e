import autocannon from 'autocannon';
import type { Context, Request } from 'autocannon';
import type { LoadJob, LoadReport, LoadStep } from './load.ts';

/** Runs one job to its end, or to the first wrong response. */
async function run({ url, steps, rounds }: LoadJob): Promise<LoadReport> {
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
	if (failure !== undefined) return { failure };
	if (errors + timeouts + non2xx > 0 || succeeded !== amount) {
		return {
			failure:
				`all of ${amount} requests must succeed; got ${succeeded}, ${non2xx} other statuses, ` +
				`${errors} errors, ${timeouts} of them timeouts`,
		};
	}
	return { roundsPerSecond: (rounds * 1000) / (endMs - startMs) };
}

/** Creates the request of a step, which reports a wrong response. */
function createRequest(
	{ request, expected, inSession }: LoadStep,
	onWrong: (reason: string) => void,
): Request {
	return {
		method: request.method,
		headers: request.headers,
		...(request.body !== undefined && { body: request.body }),
		...(inSession && { setupRequest: withSession }),
		onResponse(status, body, context, headers) {
			if (status >= 300 || !body.includes(expected)) {
				onWrong(`must return ${JSON.stringify(expected)}; got ${status} ${JSON.stringify(body)}`);
			}
			const session = context.session ?? sessionOf(headers);
			if (session !== undefined) context.session = session;
		},
	};
}

function withSession(request: Request, { session }: Context): Request {
	return { ...request, headers: { ...request.headers, 'mcp-session-id': session ?? '' } };
}

function sessionOf(headers: Readonly<Record<string, string>>): string | undefined {
	const name = Object.keys(headers).find((each) => each.toLowerCase() === 'mcp-session-id');
	return name === undefined ? undefined : headers[name];
}

process.on('message', (job: LoadJob) => {
	run(job).then(
		(report) => process.send?.(report),
		(error: unknown) => process.send?.({ failure: String(error) }),
	);
});
