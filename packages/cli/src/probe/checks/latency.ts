import { describeReply, readReply } from '../connection/call.ts';
import { failed, passed, skipped, warned } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { requestsOf } from '../eras.ts';
import type { Target } from '../target.ts';

const PERCENTILES = ['p50', 'p95', 'p99'] as const;

/** Measures how long an ordinary request takes, on a connection that stays open. */
export async function checkLatency(target: Target): Promise<Finding> {
	const { connection, expectations, platform } = target;
	if (expectations.latencySamples === 0) return skipped('--samples is 0');
	const requestOf = requestsOf(target);
	const times: number[] = [];
	for (let id = 0; id < expectations.latencySamples; id++) {
		const reply = await readReply(connection, requestOf({ method: 'tools/list', id: 200 + id }));
		if (!reply.response) {
			return failed(
				`request ${id + 1} of ${expectations.latencySamples} got ${describeReply(reply)}`,
				{
					cause: 'the server, or a limit in front of it, fails under a few requests in sequence',
					fix: 'the log of the server has the reason; a rate limit needs fewer --samples',
				},
			);
		}
		times.push(reply.durationMs);
	}
	const values = percentilesOf(times);
	const measured = PERCENTILES.map((name) => `${name} ${values[name]} ms`).join(', ');
	const exceeded = PERCENTILES.filter(
		(name) => values[name] > (expectations.latency[name] ?? Infinity),
	);
	if (exceeded.length > 0) {
		const limits = exceeded.map((name) => `${name} ${expectations.latency[name]} ms`).join(', ');
		return failed(`requests took ${measured}; the limit is ${limits}`, {
			cause: 'the server, its storage or the network is slower than you expect',
			fix: 'compare with other regions and with an earlier probe',
			values,
		});
	}
	if (expectations.latency.p95 === undefined && values.p95 > platform.p95Ms) {
		return warned(`requests took ${measured}: more than is usual on ${platform.name}`, {
			cause: `95 % of requests usually take less than ${platform.p95Ms} ms there`,
			fix: 'compare with other regions; set your own limit with --max-p95',
			values,
		});
	}
	return passed(`${times.length} requests took ${measured} (${platform.name})`, { values });
}

/** Returns percentiles in milliseconds, by the nearest rank. */
function percentilesOf(times: readonly number[]): Record<'p50' | 'p95' | 'p99', number> {
	const sorted = times.toSorted((a, b) => a - b);
	const at = (share: number): number =>
		Math.round((sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0) * 10) / 10;
	return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
