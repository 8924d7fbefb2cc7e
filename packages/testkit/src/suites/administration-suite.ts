import { hasSessionAdministration } from '@tmcp-sessions/core';
import type {
	ListedSession,
	SessionAdministration,
	StoredInfoOptions,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import type { IssuedSession, RequestScope } from '@tmcp-sessions/core/backend';
import { hasSessionSealing, runInScope } from '@tmcp-sessions/core/internal';
import { describe, expect, it } from 'vitest';

import { CLIENT_CAPABILITIES, CLIENT_INFO } from '../clients/transport-client.ts';

type Manager = StoredInfoSessionManager & SessionAdministration;

/** The backend whose administration a case tests. */
export interface AdministrationUnderTest {
	/** Creates a manager over the backend with these options, as another isolate would. */
	manager(options: StoredInfoOptions): StoredInfoSessionManager;
}

/** What the endpoint of a case's principal is called, unique for each case. */
interface AdministrationSubject {
	open(): Manager;
	readonly subject: string;
}

const administrationCases: Readonly<
	Record<string, (subject: AdministrationSubject) => Promise<void>>
> = {
	async 'ends the sessions of all clients of a principal in every isolate, and no others'({
		open,
		subject,
	}) {
		const here = open();
		const own = await Promise.all([
			initialize(here, subject, null),
			initialize(here, subject, 'phone'),
			initialize(open(), subject, 'laptop'),
		]);
		const foreign = [await initialize(here, `${subject}2`, null), await initialize(here, '', null)];
		expect((await open().endSessionsOf(subject)).toSorted()).toEqual(idsOf(own));
		const there = open();
		for (const session of own) expect(await isLive(there, session)).toBe(false);
		for (const session of foreign) expect(await isLive(there, session)).toBe(true);
		expect(await there.endSessionsOf(subject)).toEqual([]);
	},

	async 'accepts a principal, and affects no session that is opened later'({ open, subject }) {
		const here = open();
		const before = await initialize(here, subject, 'phone');
		expect(await here.endSessionsOf({ subject, client: 'laptop' })).toEqual(idsOf([before]));
		const after = await initialize(here, subject, 'phone');
		expect(await isLive(open(), after)).toBe(true);
		expect(await here.endSessionsOf(subject)).toEqual(idsOf([after]));
	},

	async 'takes no text for a serialized principal'({ open, subject }) {
		const here = open();
		const victim = await initialize(here, subject, null);
		const subjects = [[subject, null], [subject], subject].map((each) => JSON.stringify(each));
		for (const lookalike of subjects) {
			const own = await initialize(here, lookalike, null);
			expect(await here.endSessionsOf(lookalike)).toEqual(idsOf([own]));
			expect(await isLive(open(), victim)).toBe(true);
		}
	},

	async 'rejects a principal without a subject'({ open }) {
		// Safe because JavaScript passes any value.
		const invalid = [{}, null, undefined, ''] as unknown as string[];
		for (const principal of invalid) {
			await expect(open().endSessionsOf(principal)).rejects.toMatchObject({
				code: 'configuration',
			});
		}
	},

	async 'ends nothing for a principal without sessions'({ open, subject }) {
		expect(await open().endSessionsOf(subject)).toEqual([]);
	},

	async 'lists every live session once, whatever the limit'({ open, subject }) {
		const here = open();
		const ids: string[] = [];
		for (let count = 0; count < 7; count++) {
			ids.push((await initialize(here, subject, null)).internalId);
		}
		const [ended = '', ...live] = ids;
		await here.delete(ended);
		for (const limit of [3, 1_000, undefined]) {
			const listed = (await listAll(open(), limit)).filter(({ id }) => ids.includes(id));
			expect(listed.map(({ id }) => id).toSorted()).toEqual(live.toSorted());
			for (const { clientInfo, createdAtMs, expiresAtMs } of listed) {
				expect(clientInfo).toEqual(CLIENT_INFO);
				expect(expiresAtMs).toBeGreaterThan(createdAtMs);
			}
		}
		await here.endSessionsOf(subject);
		const left = (await listAll(open(), 1_000)).filter(({ id }) => ids.includes(id));
		expect(left).toEqual([]);
	},

	async 'rejects an invalid limit'({ open }) {
		for (const limit of [0, 1_001, 1.5, Number.NaN]) {
			await expect(open().listSessions({ limit })).rejects.toMatchObject({ code: 'configuration' });
		}
	},
};

/**
 * Registers the requirements of info managers with `SessionAdministration` as Vitest tests, in addition
 * to `testInfoSessionManager`.
 *
 * @param name the name of the manager in the test titles.
 */
export function testSessionAdministration(
	name: string,
	{ manager }: AdministrationUnderTest,
): void {
	describe(`${name} as session administration`, () => {
		for (const [caseName, run] of Object.entries(administrationCases)) {
			it(caseName, { timeout: 60_000 }, async () => {
				const errors: Error[] = [];
				const onError = (error: Error): void => void errors.push(error);
				await run({
					open() {
						const created = manager({ onError });
						if (hasSessionAdministration(created)) return created;
						throw new TypeError('expected a manager with SessionAdministration');
					},
					subject: crypto.randomUUID(),
				});
				expect(errors).toEqual([]);
			});
		}
	});
}

/** A session, and the principal that opened it. */
interface Opened extends IssuedSession {
	readonly principal: string;
}

/** Opens a session as a handler does for a principal. */
async function initialize(
	manager: Manager,
	subject: string,
	client: string | null,
): Promise<Opened> {
	const principal = subject === '' ? '' : JSON.stringify([subject, client]);
	const scope: RequestScope = { waitUntil: () => {}, message: {}, principal, subject };
	return runInScope(scope, async () => {
		const params = {
			principal,
			clientInfo: CLIENT_INFO,
			clientCapabilities: CLIENT_CAPABILITIES,
		};
		const stored = crypto.randomUUID();
		const { id, internalId } = hasSessionSealing(manager)
			? await manager.sealSession(params)
			: { id: stored, internalId: stored };
		manager.setClientInfo(internalId, CLIENT_INFO);
		manager.setClientCapabilities(internalId, CLIENT_CAPABILITIES);
		await manager.flush(internalId);
		return { id, internalId, principal };
	});
}

function isLive(manager: Manager, { id, internalId, principal }: Opened): Promise<boolean> {
	return runInScope({ waitUntil: () => {} }, async () => {
		if (hasSessionSealing(manager)) await manager.openSession(id, principal);
		return (await manager.getClientCapabilities(internalId)) !== undefined;
	});
}

function idsOf(sessions: readonly Opened[]): string[] {
	return sessions.map(({ internalId }) => internalId).toSorted();
}

async function listAll(manager: Manager, limit: number | undefined): Promise<ListedSession[]> {
	const all: ListedSession[] = [];
	let cursor: string | undefined;
	do {
		const page = await manager.listSessions({ cursor, limit });
		// Redis may exceed the limit by a bucket of its table.
		expect(page.sessions.length).toBeLessThanOrEqual((limit ?? 100) + 10);
		all.push(...page.sessions);
		({ cursor } = page);
	} while (cursor !== undefined);
	return all;
}
