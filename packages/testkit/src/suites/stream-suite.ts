import { describe, it } from 'vitest';

import { inboxesCases, runInboxesCase } from '../cases/inbox-cases.ts';
import type { InboxesFactory } from '../cases/inbox-cases.ts';
import { subscriptionManagerCases } from '../cases/subscription-manager-cases.ts';
import type { SubscriptionsFactory } from '../cases/subscription-manager-cases.ts';
import { resumableCases } from '../cases/resumable-cases.ts';
import type { ResumableFactory } from '../cases/resumable-subject.ts';
import { streamCases } from '../cases/stream-cases.ts';
import type { StreamsFactory } from '../cases/stream-cases.ts';

/**
 * Registers the requirements of every stream manager as Vitest tests.
 *
 * @param name the name of the manager in the test titles.
 * @param factory called once for each case.
 */
export function testStreamSessionManager(name: string, factory: StreamsFactory): void {
	describe(`${name} as a stream manager`, () => {
		for (const each of streamCases) {
			it(each.name, async () => {
				const unique = crypto.randomUUID();
				await each.run({ ...(await factory()), id: (label) => `${unique}${label}` });
			});
		}
	});
}

/**
 * Registers the requirements of stream managers with inboxes as Vitest tests, in addition to
 * `testStreamSessionManager`.
 *
 * @param name the name of the manager in the test titles.
 * @param factory called once for each case.
 */
export function testSessionInboxes(name: string, factory: InboxesFactory): void {
	describe(`${name} as session inboxes`, () => {
		for (const each of inboxesCases) it(each.name, () => runInboxesCase(each, factory));
	});
}

/**
 * Registers the requirements of stream managers with resumable streams as Vitest tests, in addition to
 * `testStreamSessionManager`.
 *
 * @param name the name of the manager in the test titles.
 * @param factory called once for each case.
 */
export function testResumableStreams(name: string, factory: ResumableFactory): void {
	describe(`${name} as resumable streams`, () => {
		for (const each of resumableCases) {
			it(each.name, async () => {
				const unique = crypto.randomUUID();
				await each.run({ ...(await factory()), id: (label) => `${unique}${label}` });
			});
		}
	});
}

/**
 * Registers the requirements of every subscription manager as Vitest tests.
 *
 * @param name the name of the manager in the test titles.
 * @param factory called once for each case.
 */
export function testSubscriptionManager(name: string, factory: SubscriptionsFactory): void {
	describe(`${name} as a subscription manager`, () => {
		for (const each of subscriptionManagerCases) {
			it(each.name, async () => {
				const unique = crypto.randomUUID();
				await each.run({ ...(await factory()), unique: (label) => `${unique}${label}` });
			});
		}
	});
}
