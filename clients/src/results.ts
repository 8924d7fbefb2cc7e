import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { stepNames, titleOf } from './client-adapter.ts';
import type { ClientAdapter, Readiness, StepName } from './client-adapter.ts';
import type { Pair, PairResult } from './matrix.ts';

/** What one client did with all pairs. */
export interface ClientResult {
	readonly title: string;
	readonly package: string;
	/** Where the client comes from: an npm package is always installed. */
	readonly registry: 'npm' | 'PyPI';
	/** The day of the run. */
	readonly date: string;
	readonly version?: string;
	readonly revision?: string;
	/** The reason that the client did not run. */
	readonly notRun?: string;
	readonly lists: string;
	readonly lacks: Partial<Record<StepName, string>>;
	/** The first failure of each step, and the number of pairs that it failed with. */
	readonly failures: Partial<Record<StepName, { readonly pairs: number; readonly first: string }>>;
}

/** The results of the whole matrix. */
export interface Results {
	/** The number of pairs of managers that each client ran with. */
	readonly pairs: number;
	readonly clients: readonly ClientResult[];
}

const path = new URL('../results.json', import.meta.url);

/** Reads the published results. */
export function readResults(): Results {
	// Safe because only `writeResults` writes this file.
	return JSON.parse(readFileSync(path, 'utf8')) as Results;
}

/** Publishes the results of these clients in place of their former ones, and returns all results. */
export function writeResults(updated: Results, order: readonly string[]): Results {
	const former = existsSync(path) ? readResults().clients : [];
	const clients = order.flatMap(
		(title) => [...updated.clients, ...former].find((client) => client.title === title) ?? [],
	);
	const results = { pairs: updated.pairs, clients };
	writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`);
	return results;
}

/** Summarizes what a client did. */
export function summarize(
	adapter: ClientAdapter,
	readiness: Readiness,
	results: ReadonlyMap<Pair, PairResult>,
): ClientResult {
	const failures: Partial<Record<StepName, { pairs: number; first: string }>> = {};
	for (const [pair, result] of results) {
		for (const [name, message] of Object.entries(result.failures)) {
			// Safe because `failures` has the names of steps.
			const step = name as StepName;
			const before = failures[step];
			failures[step] = before
				? { ...before, pairs: before.pairs + 1 }
				: { pairs: 1, first: `${pair}: ${message}` };
		}
	}
	const revisions = new Set([...results.values()].flatMap(({ revision }) => revision ?? []));
	return {
		title: titleOf(adapter),
		package: adapter.package,
		date: new Date().toISOString().slice(0, 10),
		registry: adapter.variant === 'Python' ? 'PyPI' : 'npm',
		...('version' in readiness && { version: readiness.version }),
		...(revisions.size > 0 && { revision: [...revisions].join(', ') }),
		...('notRun' in readiness && { notRun: readiness.notRun }),
		lists: adapter.lists.join(', '),
		lacks: adapter.lacks,
		failures,
	};
}

/** Counts the steps of all clients with all pairs. */
export function countSteps({ pairs, clients }: Results): {
	passed: number;
	failed: number;
	skipped: number;
} {
	const counts = { passed: 0, failed: 0, skipped: 0 };
	for (const { notRun, lacks, failures } of clients) {
		for (const step of stepNames) {
			if (lacks[step] !== undefined) continue;
			const failed = failures[step]?.pairs ?? 0;
			if (notRun !== undefined) counts.skipped += pairs;
			else counts.passed += pairs - failed;
			counts.failed += failed;
		}
	}
	return counts;
}
