import autocannon from 'autocannon';
import type { LoadJob, LoadReport } from './load.ts';

/** Runs one job to its end. */
async function run(job: LoadJob): Promise<LoadReport> {
	const { url, requests, amount, expectedBody, connections = requests.length } = job;
	let connection = 0;
	const start = performance.now();
	let end = start;
	const running = autocannon({
		url,
		method: 'POST',
		connections,
		amount,
		...(expectedBody !== undefined && { expectBody: expectedBody }),
		bailout: 1,
		sampleInt: 20,
		setupClient(client) {
			const own = requests.filter((_, index) => index % connections === connection);
			connection += 1;
			const [only, ...more] = own;
			if (more.length === 0) client.setHeadersAndBody(only?.headers ?? {}, only?.body ?? '');
			else
				client.setRequests(
					own.map(({ headers, body = '' }) => ({ method: 'POST', headers, body })),
				);
		},
	});
	running.on('response', () => (end = performance.now()));
	const { errors, timeouts, mismatches, non2xx, '2xx': answered } = await running;
	if (errors + timeouts + mismatches + non2xx > 0 || answered !== amount) {
		return {
			failure:
				`${answered} of ${amount} requests were answered with success, ${mismatches} of them with ` +
				`another body than ${JSON.stringify(expectedBody)}; ${non2xx} with another status, ` +
				`${errors} failed, ${timeouts} of them by time-out`,
		};
	}
	return { requestsPerSecond: (amount * 1000) / (end - start) };
}

process.on('message', (job: LoadJob) => {
	run(job).then(
		(report) => process.send?.(report),
		(error: unknown) => process.send?.({ failure: String(error) }),
	);
});
