import { UnknownSessionError } from '@tmcp-sessions/core';
import { currentScope } from '@tmcp-sessions/core/backend';
import type { StateSource, StateStore } from '@tmcp-sessions/core/backend';
import { rejectUnknownOptions } from '@tmcp-sessions/core/internal';
import type { OptionNames } from '@tmcp-sessions/core/internal';

import { configurationError, HandleError, PACKAGE, StateError } from './errors.ts';
import { Handles, MAX_HANDLE_SECONDS, stateExpiryMs } from './handles.ts';
import type { VerifiedHandle } from './handles.ts';
import { changeValues, parseValues, readValues } from './stored-values.ts';
import type { Place } from './stored-values.ts';
import type { HandleOptions, OpenedState, SessionState, State, StateSchemas } from './types.ts';
import { UsedHandles } from './used-handles.ts';
import { StateValues } from './values.ts';

const DEFAULT_HANDLE_SECONDS = 24 * 60 * 60;
/** Below the limit of Deno KV, the smallest one. */
const DEFAULT_MAX_BYTES = 60_000;

/** Limits of state. */
export interface StateOptions {
	/** How long handles are valid, from 1 to 2,592,000 (30 days). Default: 86,400 (a day). */
	readonly handleSeconds?: number | undefined;
	/**
	 * The longest state of a session or of a handle, as JSON in bytes. At most what the store accepts.
	 * Default: 60,000.
	 */
	readonly maxBytes?: number | undefined;
	/** The time in milliseconds since the epoch. Default: `Date.now`. */
	readonly now?: (() => number) | undefined;
}

const OPTIONS: OptionNames<StateOptions> = { handleSeconds: 1, maxBytes: 1, now: 1 };

const NO_SESSION =
	'Let the tool take an optional handle, and use open(handle), which serves requests with and without a ' +
	'session';

/**
 * Creates typed state for tools. It is stored beside the metadata of the sessions, and removed with them.
 * Create it once, at module scope: all states over one store share the values of a session, so that each
 * key must be unique.
 *
 *     const drafts = sessionState(info, { draft: v.string() });
 *
 * @param source the info manager of the handler, or `session.state` in a session object.
 * @param schemas a schema for each key.
 * @throws {TmcpSessionsError} `configuration`, if the manager stores no state or an option is invalid.
 */
export function sessionState<const Schemas extends StateSchemas>(
	source: StateSource,
	schemas: Schemas,
	options: StateOptions = {},
): SessionState<Schemas> {
	rejectUnknownOptions(options, OPTIONS, PACKAGE, 'sessionState');
	const { handleSeconds = DEFAULT_HANDLE_SECONDS, now = Date.now } = options;
	checkTtl('handleSeconds', handleSeconds);
	const store = openStore(source);
	const values = new StateValues(schemas, maxBytesOf(options, store));
	const handles = new Handles(now);
	const used = new UsedHandles();

	const stateAt = (place: () => Promise<Place>): State<Schemas> =>
		createState(store, values, place);

	const ofHandle = (handle: VerifiedHandle, token: string): OpenedState<Schemas> => ({
		...stateAt(async () => placeOfHandle(handle)),
		handle: token,
	});

	const openHandle = async (token: string): Promise<OpenedState<Schemas>> => {
		const handle = await handles.verify(token);
		if (!handle.isSingleUse) return ofHandle(handle, token);
		if (used.has(handle.id)) throw new HandleError();
		const text = await store.end(handle.id, stateExpiryMs(handle));
		used.add(handle.id);
		if (text === undefined) throw new HandleError();
		return createUsedState(values, text);
	};

	const ofSession = stateAt(() => placeOfSession(source, store));
	return {
		...ofSession,
		async open(token) {
			if (token !== undefined && token !== '') return openHandle(token);
			requireScope();
			if (currentScope()?.session) return { ...ofSession, handle: undefined };
			const { token: issued, ...handle } = await handles.issue(handleSeconds, false);
			return ofHandle(handle, issued);
		},
		async createHandle(key, value, { singleUse = false, ttlSeconds = handleSeconds } = {}) {
			checkTtl('ttlSeconds', ttlSeconds);
			checkSingleUse(singleUse, store);
			requireScope();
			const text = JSON.stringify(await values.with({}, key, value));
			const { token, ...handle } = await handles.issue(ttlSeconds, singleUse);
			await store.write(handle.id, text, undefined, stateExpiryMs(handle));
			return token;
		},
		openHandle,
	};
}

function createState<Schemas extends StateSchemas>(
	store: StateStore,
	values: StateValues,
	place: () => Promise<Place>,
): State<Schemas> {
	return {
		async get(key) {
			values.schemaOf(key);
			return values.stored(await readValues(store, await place()), key);
		},
		async set(key, value) {
			await changeValues(store, await place(), async (stored) => ({
				values: await values.with(stored, key, value),
			}));
		},
		async update(key, change) {
			values.schemaOf(key);
			const changed = await changeValues(store, await place(), async (stored) => {
				const value = await change(await values.stored(stored, key));
				const all = await values.with(stored, key, value);
				return { values: all, value: all[key] };
			});
			return values.stored(changed.values, key);
		},
		async delete(key) {
			values.schemaOf(key);
			await changeValues(store, await place(), async (stored) => {
				if (!Object.hasOwn(stored, key)) return { values: stored };
				const { [key]: _removed, ...others } = stored;
				return { values: others };
			});
		},
	};
}

/** Returns the state of a single-use handle, which was removed from its store. */
function createUsedState<Schemas extends StateSchemas>(
	values: StateValues,
	text: string,
): OpenedState<Schemas> {
	const stored = parseValues(text);
	const reject = async (): Promise<never> => {
		throw new StateError(
			'the handle was for a single use and its state cannot change; store the value with createHandle, ' +
				'which returns a new handle',
		);
	};
	return {
		get: async (key) => values.stored(stored, key),
		set: reject,
		update: reject,
		delete: reject,
		handle: undefined,
	};
}

function placeOfHandle(handle: VerifiedHandle): Place {
	return { id: handle.id, untilMs: stateExpiryMs(handle), isHandle: true };
}

async function placeOfSession(source: StateSource, store: StateStore): Promise<Place> {
	requireScope();
	const session = currentScope()?.session;
	if (!session) {
		throw new StateError(
			`the request has no session: it is stateless, or the handler has no option info. ${NO_SESSION}`,
		);
	}
	const lifetime = await source.stateLifetime(session.internalId);
	if (!lifetime) throw new UnknownSessionError(PACKAGE, 'use state');
	const { latestMs, untilMs } = lifetime;
	return {
		id: session.internalId,
		untilMs: store.capabilities.canExtend ? untilMs : latestMs,
		isHandle: false,
	};
}

function requireScope(): void {
	if (currentScope()) return;
	throw new StateError(
		'state needs a request; found none. Use it in a tool of a server that createMcpHandler serves, and ' +
			'await it there',
	);
}

function openStore(source: StateSource): StateStore {
	const store = source.openState();
	if (store) return store;
	throw configurationError(
		'sessionState needs an info manager whose store keeps state; got one without. Use ' +
			'KVInfoSessionManager, DurableObjectInfoSessionManager, RedisInfoSessionManager, ' +
			'UpstashInfoSessionManager or DenoKvInfoSessionManager, or give SealedInfoSessionManager one of ' +
			'them as rest',
	);
}

function maxBytesOf(options: StateOptions, { capabilities }: StateStore): number {
	const most = capabilities.maxBytes;
	const { maxBytes = Math.min(DEFAULT_MAX_BYTES, most) } = options;
	if (Number.isInteger(maxBytes) && maxBytes > 0 && maxBytes <= most) return maxBytes;
	throw configurationError(
		`maxBytes must be an integer from 1 to ${most}, the limit of this store; got ${maxBytes}`,
	);
}

function checkTtl(name: keyof HandleOptions | keyof StateOptions, seconds: number): void {
	if (seconds >= 1 && seconds <= MAX_HANDLE_SECONDS) return;
	throw configurationError(
		`${name} must be a number from 1 to ${MAX_HANDLE_SECONDS} (30 days); got ${seconds}`,
	);
}

function checkSingleUse(isSingleUse: boolean, { capabilities }: StateStore): void {
	if (!isSingleUse || capabilities.isAtomic) return;
	throw configurationError(
		'singleUse needs a store that is atomic; got one whose last write wins, such as Workers KV. Use ' +
			'DurableObjectInfoSessionManager or a Redis',
	);
}
