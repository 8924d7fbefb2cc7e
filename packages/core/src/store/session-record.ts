import { CorruptRecordError } from '../errors.ts';
import type { LogLevel, SessionPatch, SessionRecord } from './session-store.ts';

const LOG_LEVELS: Record<LogLevel, true> = {
	debug: true,
	info: true,
	notice: true,
	warning: true,
	error: true,
	critical: true,
	alert: true,
	emergency: true,
};

/** Whether this is one of the eight levels: tmcp hands on whatever a client sent. */
export function isLogLevel(value: unknown): value is LogLevel {
	return typeof value === 'string' && Object.hasOwn(LOG_LEVELS, value);
}

/** What a backend stores in the place of a record to say that the session has ended. */
export const ENDED_SESSION = '{"ended":true}';

/**
 * The record that `JSON.stringify` made this text of, its shape checked.
 *
 * @param packageName the folder name of the package that reads, for the error.
 * @returns `undefined` for `ENDED_SESSION`. Whether the record has expired is not looked at.
 * @throws {CorruptRecordError} where the text is neither; the error holds nothing of the text.
 */
export function parseSessionRecord(text: string, packageName: string): SessionRecord | undefined {
	if (text === ENDED_SESSION) return undefined;
	const wrong = (found: string): CorruptRecordError => new CorruptRecordError(packageName, found);
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		throw wrong(`${text.length} characters that are not JSON`);
	}
	if (!isObject(value)) throw wrong('JSON that is no object');
	const { createdAtMs, expiresAtMs, clientInfo, clientCapabilities, logLevel, hasEnded } = value;
	if (!Number.isFinite(createdAtMs)) throw wrong('createdAtMs is no time');
	if (!Number.isFinite(expiresAtMs)) throw wrong('expiresAtMs is no time');
	if (clientInfo !== undefined && !isClientInfo(clientInfo))
		throw wrong('clientInfo has no name and version');
	if (clientCapabilities !== undefined && !isObject(clientCapabilities))
		throw wrong('clientCapabilities is no object');
	if (logLevel !== undefined && !isLogLevel(logLevel))
		throw wrong('logLevel is none of the eight levels');
	if (hasEnded !== undefined && typeof hasEnded !== 'boolean')
		throw wrong('hasEnded is no truth value');
	// Sound: every field that our code looks into has been checked above.
	return value as unknown as SessionRecord;
}

/**
 * The record in this text where the session is live.
 *
 * @param text what the backend holds, nothing where it holds nothing.
 * @returns `undefined` where nothing is held, the session has ended or `expiresAtMs` has come.
 * @throws {CorruptRecordError} where the text is no record.
 */
export function parseLiveSessionRecord(
	text: string | null | undefined,
	packageName: string,
	nowMs: number,
): SessionRecord | undefined {
	if (text === null || text === undefined) return undefined;
	const record = parseSessionRecord(text, packageName);
	return record && record.expiresAtMs > nowMs ? record : undefined;
}

/** The record with the fields of the patch in it. A field that is `undefined` there is left as it is. */
export function mergeSessionPatch(record: SessionRecord, patch: SessionPatch): SessionRecord {
	const given = Object.entries(patch).filter(([, value]) => value !== undefined);
	return { ...record, ...Object.fromEntries(given) };
}

function isObject(
	value: unknown,
): value is { [field: string]: unknown } & Record<
	| 'createdAtMs'
	| 'expiresAtMs'
	| 'clientInfo'
	| 'clientCapabilities'
	| 'hasEnded'
	| 'logLevel'
	| 'name'
	| 'version',
	unknown
> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isClientInfo(value: unknown): boolean {
	return isObject(value) && typeof value.name === 'string' && typeof value.version === 'string';
}
