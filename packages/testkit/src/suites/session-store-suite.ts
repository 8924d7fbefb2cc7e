import type { StoreCapabilities } from '@tmcp-sessions/core/backend';
import { describe, it } from 'vitest';
import { capabilityCases } from '../cases/capability-cases.ts';
import { concurrencyCases } from '../cases/concurrency-cases.ts';
import { identifierCases } from '../cases/identifier-cases.ts';
import { recordCases } from '../cases/record-cases.ts';
import { runSessionStoreCase } from '../cases/session-store-subject.ts';
import type { SessionStoreCase, StoreFactory } from '../cases/session-store-subject.ts';
import { subscriptionCases } from '../cases/subscription-cases.ts';

const CASE_TIMEOUT_MS = 60_000;

/** All cases of `SessionStore`. */
export const sessionStoreCases: readonly SessionStoreCase[] = [
	...recordCases,
	...concurrencyCases,
	...subscriptionCases,
	...identifierCases,
	...capabilityCases,
];

/**
 * Registers the contract of `SessionStore` as Vitest tests. Skips nothing: each value of a capability
 * has its own assertions, and the capabilities must equal `expected`.
 *
 * @param name the name of the store in the test titles.
 * @param factory called once for each case.
 * @param expected the capabilities that the README of the package documents.
 */
export function testSessionStore(
	name: string,
	factory: StoreFactory,
	expected: StoreCapabilities,
): void {
	describe(`${name} as a session store`, () => {
		for (const each of sessionStoreCases) {
			it(each.name, { timeout: CASE_TIMEOUT_MS }, () =>
				runSessionStoreCase(each, factory, expected),
			);
		}
	});
}
