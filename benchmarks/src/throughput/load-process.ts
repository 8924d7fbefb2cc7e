import autocannon from 'autocannon';
import type { Context, Request } from 'autocannon';
import type { LoadJob, LoadReport, LoadStep } from './load.ts';

/** Runs one job to its end, or to the first wrong answer. */
async function run({ url, steps, rounds }: LoadJob): Promise<LoadReport> {
	let connection = 0;
	let wrong: string | undefined;
	const start = performance.now();
	let end = start;
	const amount = rounds * (steps[0]?.length ?? 0);
	const running = autocannon({
		url,
		connections: steps.length,
		amount,
		sampleInt: 20,
		setupClient(client) {
			const own = steps[connection % steps.length] ?? [];
			connection += 1;
			client.setRequests(
				own.map((step) =>
					requestOf(step, (answer) => {
						wrong ??= answer;
						running.stop();
					}),
				),
			);
		},
	});
	running.on('response', () => (end = performance.now()));
	const { errors, timeouts, non2xx, '2xx': answered } = await running;
	if (wrong !== undefined) return { failure: wrong };
	if (errors + timeouts + non2xx > 0 || answered !== amount) {
		return {
			failure:
				`${answered} of ${amount} requests were answered with success, ${non2xx} with another ` +
				`status; ${errors} failed, ${timeouts} of them by time-out`,
		};
	}
	return { roundsPerSecond: (rounds * 1000) / (end - start) };
}

/** The request of a step, which tells of an answer that is wrong. */
function requestOf(
	{ request, expected, inSession }: LoadStep,
	tell: (wrong: string) => void,
): Request {
	return {
		method: request.method,
		headers: request.headers,
		...(request.body !== undefined && { body: request.body }),
		...(inSession && { setupRequest: withSession }),
		onResponse(status, body, context, headers) {
			if (status >= 300 || !body.includes(expected)) {
				tell(`answered ${status} ${JSON.stringify(body)}, expected ${JSON.stringify(expected)}`);
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
