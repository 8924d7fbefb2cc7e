import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/**
 * The files that take longest, in seconds on an idle machine. Only their order counts: a file that is
 * missing here, or has become faster, runs correctly but may finish alone at the end of a run.
 */
const SLOW_FILES: readonly (readonly [path: string, seconds: number])[] = [
	['examples/worker/test/delivery.test.ts', 80],
	['benchmarks/test/operations.test.ts', 45],
	['packages/info-sealed/test/mutated-ids-1.test.ts', 40],
	['packages/info-sealed/test/mutated-ids-2.test.ts', 40],
	['packages/session-object/test/isolates/kill.test.ts', 40],
	['packages/streams-durable-object/test/isolates/streams.test.ts', 35],
	['packages/http/test/request-lifetime.test.ts', 30],
	['benchmarks/test/measurements.test.ts', 30],
	['packages/info-kv/test/kv-session-store.test.ts', 25],
	['benchmarks/soak/test/soak.test.ts', 22],
	['benchmarks/test/throughput.test.ts', 20],
	['packages/session-object/test/isolates/hibernation.test.ts', 20],
	['packages/session-object/test/isolates/sse-long-call.test.ts', 20],
	['packages/http/test/fuzzed-requests.test.ts', 18],
	['packages/http/test/request-state-codec.test.ts', 15],
	['packages/info-durable-object/test/durable-object-session-store.test.ts', 15],
	['packages/info-durable-object/test/expiry.test.ts', 15],
	['examples/worker/test/demo.test.ts', 15],
	['packages/http/test/forged-ids.test.ts', 12],
	['packages/testkit/test/workerd.test.ts', 12],
	['packages/info-upstash/test/upstash-session-store.test.ts', 10],
];

function secondsOf({ moduleId }: TestSpecification): number {
	return SLOW_FILES.find(([path]) => moduleId.endsWith(`/${path}`))?.[1] ?? 0;
}

/**
 * Starts the slowest files of all projects first, so that no long file runs alone at the end. Vitest
 * itself orders by project name, and knows durations only after a first run.
 */
export default class SlowFirstSequencer extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		// oxlint-disable-next-line unicorn/no-array-sort -- Safe because this is Sequencer.sort, not Array#sort.
		const sorted = await super.sort(files);
		return sorted.toSorted((one, other) => secondsOf(other) - secondsOf(one));
	}
}
