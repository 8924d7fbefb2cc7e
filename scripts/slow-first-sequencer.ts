import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/**
 * The files that take longest, in seconds on an idle machine. Only their order counts: a file that is
 * missing here, or has become faster, runs correctly but may finish alone at the end of a run.
 */
const SLOW_FILES: readonly (readonly [path: string, seconds: number])[] = [
	['examples/conformance/test/conformance.test.ts', 131],
	['packages/streams-durable-object/test/isolates/stream-groups.test.ts', 91],
	['benchmarks/test/measurements.test.ts', 80],
	['packages/cli/test/init.test.ts', 67],
	['examples/runtimes/test/runtimes.test.ts', 65],
	['packages/tasks/test/configuration.test.ts', 59],
	['packages/info-kv/test/kv-session-store.test.ts', 48],
	['packages/tasks-redis/test/processes.test.ts', 47],
	['examples/worker/test/delivery.test.ts', 45],
	['benchmarks/soak/test/redis-soak.test.ts', 42],
	['packages/session-object/test/isolates/changes.test.ts', 40],
	['packages/http/test/fuzzed-requests.test.ts', 37],
	['benchmarks/test/operations.test.ts', 36],
	['examples/legacy-sse/test/legacy-sse.test.ts', 34],
	['packages/http/test/requirements/unanswered-calls.test.ts', 32],
	['benchmarks/soak/test/soak.test.ts', 32],
	['packages/tasks-durable-object/test/isolates/large-results.test.ts', 31],
	['examples/worker/test/demo.test.ts', 30],
	['packages/info-sealed/test/mutated-ids-2.test.ts', 29],
	['examples/hybrid/test/hybrid.test.ts', 29],
	['benchmarks/test/redis-operations.test.ts', 28],
	['packages/session-object/test/isolates/kill.test.ts', 26],
	['packages/http/test/requirements/subscription-filters.test.ts', 26],
	['benchmarks/test/throughput.test.ts', 26],
	['packages/streams-durable-object/test/isolates/streams.test.ts', 25],
	['packages/info-sealed/test/mutated-ids-1.test.ts', 24],
	['packages/tasks-redis/test/other-runtimes.test.ts', 23],
	['packages/tasks-redis/test/kill.test.ts', 23],
	['examples/worker-choose/test/deployments.test.ts', 23],
	['benchmarks/test/tasks.test.ts', 23],
	['packages/http/test/forged-ids.test.ts', 22],
	['packages/streams-redis/test/cluster.test.ts', 21],
	['packages/http/test/request-lifetime.test.ts', 21],
	['packages/tasks-durable-object/test/isolates/read-your-writes.test.ts', 20],
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
