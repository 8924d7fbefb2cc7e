import type { StoredInfoOptions, StoredInfoSessionManager } from '@tmcp-sessions/core';
import { InfoSessionManager } from '@tmcp/session-manager';
import { describe, expect, it } from 'vitest';

import {
	CLIENT_CAPABILITIES,
	CLIENT_INFO,
	sessionName,
	TransportClient,
} from '../clients/transport-client.ts';

/** An info manager as the suite needs it. */
export interface InfoUnderTest {
	/** A manager over the backend, as another isolate would make it, with these options. */
	manager(options: StoredInfoOptions): StoredInfoSessionManager;
	/** Puts what serves the backend out of memory, where it has something there. */
	evict?(): Promise<void>;
}

interface InfoSubject {
	/** A manager over the backend that reports to `errors`. */
	open(): StoredInfoSessionManager;
	readonly errors: Error[];
	evict(): Promise<void>;
}

const infoCases: Readonly<Record<string, (subject: InfoSubject) => Promise<void>>> = {
	async "is tmcp's InfoSessionManager"({ open }) {
		expect(open()).toBeInstanceOf(InfoSessionManager);
	},

	async 'shows another isolate what the client said at initialize, and the log level'({
		open,
		errors,
		evict,
	}) {
		const first = open();
		const session = await new TransportClient(first).initialize();
		await first.flush(await sessionName(first, session));
		await evict();
		const second = open();
		await new TransportClient(second).setLogLevel('debug', session);
		await second.flush(await sessionName(second, session));
		await evict();
		const third = open();
		const name = await sessionName(third, session);
		expect(await third.getClientInfo(name)).toEqual(CLIENT_INFO);
		expect(await third.getClientCapabilities(name)).toEqual(CLIENT_CAPABILITIES);
		expect(await third.getLogLevel(name)).toBe('debug');
		expect(errors).toEqual([]);
	},

	async 'knows the subscribers of a resource everywhere, until they leave or end'({
		open,
		errors,
		evict,
	}) {
		const uri = `test://${crypto.randomUUID()}`;
		const here = open();
		const sessions: string[] = [];
		for (let count = 0; count < 3; count++) {
			const session = await new TransportClient(here).initialize();
			const name = await sessionName(here, session);
			await here.flush(name);
			here.addSubscription(name, uri);
			await here.flush(name);
			sessions.push(name);
		}
		await evict();
		expect((await open().getSubscriptions(uri)).toSorted()).toEqual(sessions.toSorted());
		const [leaves = '', ends = '', stays = ''] = sessions;
		here.removeSubscription(leaves, uri);
		await here.flush(leaves);
		await here.delete(ends);
		expect(await open().getSubscriptions(uri)).toEqual([stays]);
		expect(errors).toEqual([]);
	},

	async 'forgets a session that was ended elsewhere, and refuses what is asked of it'({
		open,
		errors,
	}) {
		const here = open();
		const session = await new TransportClient(here).initialize();
		const name = await sessionName(here, session);
		await here.flush(name);
		const elsewhere = open();
		await elsewhere.delete(await sessionName(elsewhere, session));
		expect(await here.getClientInfo(name)).toBeUndefined();
		expect(errors).toEqual([]);
		here.setLogLevel(name, 'debug');
		await here.flush(name).catch(() => {});
		expect(errors.map(({ name: error }) => error)).toEqual(['UnknownSessionError']);
		const third = open();
		expect(await third.getLogLevel(await sessionName(third, session))).toBeUndefined();
	},
};

/**
 * Registers, as tests of vitest, that a backend's manager is tmcp's `InfoSessionManager` with a real
 * transport in front of it. What its store promises is for `testSessionStore`.
 *
 * @param name what the tests are grouped under.
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
