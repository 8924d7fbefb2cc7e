import { CorruptRecordError } from '@tmcp-sessions/core';
import type { SessionPatch } from '@tmcp-sessions/core/backend';

/*
 * A record is stored as a line for each field, `logLevel="info"`, the value as JSON. A script merges
 * lines without a look into them: Lua's JSON makes {} of [] and rounds numbers. And as a whole it is
 * never valid JSON, so that a client that parses what it reads leaves it as it is.
 */

/** What is stored in the place of a session that has ended. As JSON it is core's `ENDED_SESSION`. */
export const ENDED_FIELDS = 'ended=true';

/** The fields that have a value, a line for each. */
export function toStoredFields(fields: SessionPatch & { createdAtMs?: number }): string {
	return Object.entries(fields)
		.filter(([, value]) => value !== undefined)
		.map(([name, value]) => `${name}=${JSON.stringify(value)}`)
		.join('\n');
}

/**
 * The JSON object that the lines stand for, its fields unchecked.
 *
 * @throws {CorruptRecordError} where it is no text of such lines.
 */
export function storedFieldsToJson(stored: unknown, packageName: string): string {
	if (typeof stored !== 'string') throw new CorruptRecordError(packageName, 'it is no text');
	const members = stored.split('\n').map((line) => {
		const [, name, json] = /^([A-Za-z]+)=(.+)$/s.exec(line) ?? [];
		if (name === undefined || json === undefined) {
			throw new CorruptRecordError(packageName, 'a line of it is no field');
		}
		return `"${name}":${json}`;
	});
	return `{${members.join(',')}}`;
}
