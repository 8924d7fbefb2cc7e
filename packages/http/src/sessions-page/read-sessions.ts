import { hasSessionAdministration } from '@tmcp-sessions/core';
import type { ListedSession } from '@tmcp-sessions/core';
import { hashSessionId, hasStreamPresence } from '@tmcp-sessions/core/internal';

import type { SessionsPageManagers, TaskListing } from './options.ts';

/** The sessions that are read at the same time: Workers open at most six connections. */
const BATCH_SIZE = 6;

/** The tasks of a session. */
interface TaskCounts {
	readonly running: number;
	readonly ended: number;
	/** When the oldest one was created. */
	readonly oldestMs: number | undefined;
}

/** A session as the page shows it: `undefined` is what its managers cannot tell. */
export interface ShownSession {
	/** The hash of the id that `onError` gets, too. */
	readonly digest: string;
	readonly createdAtMs: number;
	readonly expiresAtMs: number;
	readonly client: string;
	readonly hasStream: boolean | undefined;
	readonly tasks: TaskCounts | undefined;
	readonly isSubscribed: boolean | undefined;
}

/** One page of sessions. */
export interface ShownPage {
	readonly sessions: readonly ShownSession[];
	readonly cursor: string | undefined;
	/** What the managers cannot list, in sentences. */
	readonly limits: readonly string[];
}

/** Reads a page of sessions with what belongs to them. */
export async function readSessions(
	{ info, streams, tasks }: SessionsPageManagers,
	{
		cursor,
		limit,
		resource,
	}: { readonly cursor: string | undefined; readonly limit: number; readonly resource: string },
): Promise<ShownPage> {
	const presence = streams && hasStreamPresence(streams) ? streams : undefined;
	const limits = [
		...(presence ? [] : ['Streams: the stream manager cannot tell which sessions have one.']),
		'Subscriptions: stores find them by resource. Enter one below. Those of stateless clients belong to no session.',
		tasks
			? 'Tasks: those of sessions without a principal. The store finds others by their principal.'
			: 'Tasks: the page has no task store.',
	];
	if (!hasSessionAdministration(info)) {
		const reason =
			'Sessions: this info manager cannot list them, or not without its option administration.';
		return { sessions: [], cursor: undefined, limits: [reason, ...limits] };
	}
	const page = await info.listSessions({ cursor, limit });
	const subscribed =
		resource !== '' && hasSubscriptions(info)
			? new Set(await info.getSubscriptions(resource))
			: undefined;
	const show = async (session: ListedSession): Promise<ShownSession> => ({
		digest: hashSessionId(session.id),
		createdAtMs: session.createdAtMs,
		expiresAtMs: session.expiresAtMs,
		client: nameOf(session),
		hasStream: await presence?.hasOpenStream(session.id),
		tasks: tasks && (await countTasks(tasks, session.id)),
		isSubscribed: subscribed?.has(session.id),
	});
	const sessions: ShownSession[] = [];
	for (let start = 0; start < page.sessions.length; start += BATCH_SIZE) {
		const batch = page.sessions.slice(start, start + BATCH_SIZE);
		sessions.push(...(await Promise.all(batch.map(show))));
	}
	return { sessions, cursor: page.cursor, limits };
}

function hasSubscriptions<Manager extends object>(
	manager: Manager,
): manager is Manager & { getSubscriptions(uri: string): Promise<string[]> } {
	return 'getSubscriptions' in manager && typeof manager.getSubscriptions === 'function';
}

async function countTasks(store: TaskListing, session: string): Promise<TaskCounts> {
	const listed = await store.list('', session);
	const running = listed.filter(({ hasEnded }) => !hasEnded);
	const records = await Promise.all(
		running.slice(0, BATCH_SIZE).map(({ name }) => store.read(name)),
	);
	const created = records.flatMap((record) => record?.createdAtMs ?? []);
	return {
		running: running.length,
		ended: listed.length - running.length,
		oldestMs: created.length > 0 ? Math.min(...created) : undefined,
	};
}

/** Clients choose their name, and stores are read as they are: anything may be there. */
function nameOf({ clientInfo }: ListedSession): string {
	const { name, version }: { readonly name?: unknown; readonly version?: unknown } =
		clientInfo ?? {};
	return [name, version].filter((part) => typeof part === 'string').join(' ');
}
