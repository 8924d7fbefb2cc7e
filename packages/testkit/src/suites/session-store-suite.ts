import type { StoreCapabilities } from '@tmcp-sessions/core/backend';
import { describe, it } from 'vitest';
import { capabilityCases } from '../cases/capability-cases.ts';
import { identifierCases } from '../cases/identifier-cases.ts';
import { recordCases } from '../cases/record-cases.ts';
import { runSessionStoreCase } from '../cases/session-store-subject.ts';
import type { SessionStoreCase, StoreFactory } from '../cases/session-store-subject.ts';
import { subscriptionCases } from '../cases/subscription-cases.ts';

const CASE_TIMEOUT_MS = 60_000;

/** Everything that holds for every store, by name. */
export const sessionStoreCases: readonly SessionStoreCase[] = [
	...recordCases,
	...subscriptionCases,
	...identifierCases,
	...capabilityCases,
];

/**
 * Registers the contract of `SessionStore` as tests of vitest. Nothing is skipped: where stores may
 * differ, the capability is compared with `expected` and has an assertion for each of its values.
 *
 * @param name what the tests are grouped under.
 * @param factory opens the store, once for each case.
 * @param expected what the README of the package says.
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
