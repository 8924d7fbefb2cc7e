import autocannon from 'autocannon';
import type { LoadJob, LoadReport } from './load.ts';

/** Runs one job to its end. */
async function run({ url, requests, amount, expectedBody }: LoadJob): Promise<LoadReport> {
	let connection = 0;
	const start = performance.now();
	let end = start;
	const running = autocannon({
		url,
		method: 'POST',
		connections: requests.length,
		amount,
		expectBody: expectedBody,
		bailout: 1,
		sampleInt: 20,
		setupClient(client) {
			const request = requests[connection % requests.length];
			connection += 1;
			client.setHeadersAndBody(request?.headers ?? {}, request?.body ?? '');
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
