import { CorruptRecordError, StoreError, UnknownSessionError } from '@tmcp-sessions/core';
import { sleep } from '@tmcp-sessions/core/backend';
import type { StateStore } from '@tmcp-sessions/core/backend';

import { HandleError, PACKAGE } from './errors.ts';
import type { Values } from './values.ts';

/** How often an update starts over. One of the concurrent ones always succeeds. */
const ATTEMPTS = 100;
const MAX_PAUSE_MS = 50;

/** Where values are stored, and until when. */
export interface Place {
	readonly id: string;
	/** When the backend may remove the values, milliseconds since the epoch. */
	readonly untilMs: number;
	/** Whether the values belong to a handle. */
	readonly isHandle: boolean;
}

/** Reads all values of a place. @throws if its session or handle has ended. */
export async function readValues(store: StateStore, place: Place): Promise<Values> {
	return (await read(store, place, 'read')).values;
}

/**
 * Replaces the values of a place by what `change` makes of them, which runs again if they were changed
 * meanwhile.
 *
 * @returns the result of `change`.
 */
export async function changeValues<Result extends { readonly values: Values }>(
	store: StateStore,
	place: Place,
	change: (values: Values) => Promise<Result>,
): Promise<Result> {
	for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
		const { values, version } = await read(store, place, 'write');
		const changed = await change(values);
		if (changed.values === values) return changed;
		const text = JSON.stringify(changed.values);
		if (await store.write(place.id, text, version, place.untilMs)) return changed;
		await sleep(Math.random() * Math.min(attempt, MAX_PAUSE_MS));
	}
	const reason = `other calls changed the state ${ATTEMPTS} times meanwhile; try again`;
	throw new StoreError(PACKAGE, 'updating state', reason);
}

/** Parses stored values. @throws {CorruptRecordError} for any other text. */
export function parseValues(text: string): Values {
	let values: unknown;
	try {
		values = JSON.parse(text);
	} catch {
		throw new CorruptRecordError(PACKAGE, 'state that is not JSON');
	}
	if (typeof values === 'object' && values !== null && !Array.isArray(values)) {
		// Safe because it is an object of JSON.
		return values as Values;
	}
	throw new CorruptRecordError(PACKAGE, 'state that is not a JSON object');
}

async function read(
	store: StateStore,
	{ id, isHandle }: Place,
	purpose: string,
): Promise<{ readonly values: Values; readonly version: string | undefined }> {
	const stored = await store.read(id);
	if (stored === 'ended') {
		throw isHandle ? new HandleError() : new UnknownSessionError(PACKAGE, `${purpose} state`);
	}
	return { values: stored ? parseValues(stored.text) : {}, version: stored?.version };
}
