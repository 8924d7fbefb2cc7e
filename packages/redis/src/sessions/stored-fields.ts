import { CorruptRecordError } from '@tmcp-sessions/core';
import type { SessionPatch } from '@tmcp-sessions/core/backend';

/*
 * A record is stored as one line per field, such as `logLevel="info"`, with the value as JSON. Scripts
 * merge lines without parsing the values, because Lua's JSON turns [] into {} and rounds numbers. The
 * whole text is never valid JSON, so that a client that parses its responses leaves it unchanged.
 */

/** The tombstone of an ended session. Its JSON is core's `ENDED_SESSION`. */
export const ENDED_FIELDS = 'ended=true';

/** Returns one line for each field that has a value. */
export function toStoredFields(fields: SessionPatch & { createdAtMs?: number }): string {
	return Object.entries(fields)
		.filter(([, value]) => value !== undefined)
		.map(([name, value]) => `${name}=${JSON.stringify(value)}`)
		.join('\n');
}

/**
 * Returns the lines as a JSON object, without checking its fields.
 *
 * @throws {CorruptRecordError} if it is not a text of such lines.
 */
export function storedFieldsToJson(stored: unknown, packageName: string): string {
	if (typeof stored !== 'string') throw new CorruptRecordError(packageName, 'not a text');
	const members = stored.split('\n').map((line) => {
		const [, name, json] = /^([A-Za-z]+)=(.+)$/s.exec(line) ?? [];
		if (name === undefined || json === undefined) {
			throw new CorruptRecordError(packageName, 'a line is not a field');
		}
		return `"${name}":${json}`;
	});
	return `{${members.join(',')}}`;
}
