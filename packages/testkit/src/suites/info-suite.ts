import type { StoredInfoOptions, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { InfoSessionManager } from '@tmcp/session-manager';
import { describe, expect, it } from 'vitest';

import {
	CLIENT_CAPABILITIES,
	CLIENT_INFO,
	internalIdOf,
	TransportClient,
} from '../clients/transport-client.ts';

/** The backend whose info managers a case tests. */
export interface InfoUnderTest {
	/** Creates a manager over the backend with these options, as another isolate would. */
	manager(options: StoredInfoOptions): StoredInfoSessionManager;
	/** Evicts the objects of the backend from memory, if it has any. */
	evict?(): Promise<void>;
}

interface InfoSubject {
	/** Creates a manager over the backend that reports to `errors`. */
	open(): StoredInfoSessionManager;
	readonly errors: Error[];
	evict(): Promise<void>;
}

const infoCases: Readonly<Record<string, (subject: InfoSubject) => Promise<void>>> = {
	async 'extends InfoSessionManager of tmcp'({ open }) {
		expect(open()).toBeInstanceOf(InfoSessionManager);
	},

	async 'returns client info, capabilities and log level in another isolate'({
		open,
		errors,
		evict,
	}) {
		const first = open();
		const session = await new TransportClient(first).initialize();
		await first.flush(await internalIdOf(first, session));
		await evict();
		const second = open();
		await new TransportClient(second).setLogLevel('debug', session);
		await second.flush(await internalIdOf(second, session));
		await evict();
		const third = open();
		const name = await internalIdOf(third, session);
		expect(await third.getClientInfo(name)).toEqual(CLIENT_INFO);
		expect(await third.getClientCapabilities(name)).toEqual(CLIENT_CAPABILITIES);
		expect(await third.getLogLevel(name)).toBe('debug');
		expect(errors).toEqual([]);
	},

	async 'returns the subscribers of a resource in every isolate, until they unsubscribe or end'({
		open,
		errors,
		evict,
	}) {
		const uri = `test://${crypto.randomUUID()}`;
		const here = open();
		const sessions: string[] = [];
		for (let count = 0; count < 3; count++) {
			const session = await new TransportClient(here).initialize();
			const name = await internalIdOf(here, session);
			await here.flush(name);
			here.addSubscription(name, uri);
			await here.flush(name);
			sessions.push(name);
		}
		await evict();
		expect((await open().getSubscriptions(uri)).toSorted()).toEqual(sessions.toSorted());
		const [unsubscribed = '', ended = '', subscribed = ''] = sessions;
		here.removeSubscription(unsubscribed, uri);
		await here.flush(unsubscribed);
		await here.delete(ended);
		expect(await open().getSubscriptions(uri)).toEqual([subscribed]);
		expect(errors).toEqual([]);
	},

	async 'forgets a session that ended in another isolate, and reports a later change as an error'({
		open,
		errors,
	}) {
		const here = open();
		const session = await new TransportClient(here).initialize();
		const name = await internalIdOf(here, session);
		await here.flush(name);
		const elsewhere = open();
		await elsewhere.delete(await internalIdOf(elsewhere, session));
		expect(await here.getClientInfo(name)).toBeUndefined();
		expect(errors).toEqual([]);
		here.setLogLevel(name, 'debug');
		await here.flush(name).catch(() => {});
		expect(errors.map(({ name: error }) => error)).toEqual(['UnknownSessionError']);
		const third = open();
		expect(await third.getLogLevel(await internalIdOf(third, session))).toBeUndefined();
	},
};

/**
 * Registers Vitest tests that drive the info manager of a backend through a real `HttpTransport`. The
 * contract of its store is tested by `testSessionStore`.
 *
 * @param name the name of the manager in the test titles.
 */
export function testInfoSessionManager(name: string, { manager, evict }: InfoUnderTest): void {
	describe(`${name} as an info manager`, () => {
		for (const [caseName, run] of Object.entries(infoCases)) {
			it(caseName, async () => {
				const errors: Error[] = [];
				const onError = (error: Error): void => void errors.push(error);
				await run({
					open: () => manager({ onError }),
					errors,
					evict: async () => evict?.(),
				});
			});
		}
	});
}
