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

/** Whether `value` is one of the eight levels. tmcp passes on any value that a client sends. */
export function isLogLevel(value: unknown): value is LogLevel {
	return typeof value === 'string' && Object.hasOwn(LOG_LEVELS, value);
}

/** What a backend stores in place of the record of an ended session. */
export const ENDED_SESSION = '{"ended":true}';

/** The default of `untilMs` of `SessionStore.delete`, from now. */
export const DEFAULT_ENDED_MS: number = 24 * 60 * 60 * 1_000;

/**
 * Whether a stored text marks the end of a session, so that no later write may replace it:
 * `ENDED_SESSION`, or a record with `hasEnded`. Accepts any text.
 */
export function isFinal(text: string): boolean {
	if (text === ENDED_SESSION) return true;
	// Parsing each record would cost every write.
	if (!text.includes('"hasEnded":true')) return false;
	try {
		return parseSessionRecord(text, 'core')?.hasEnded === true;
	} catch {
		return false; // A corrupt record may be replaced.
	}
}

/**
 * Parses a record that `JSON.stringify` wrote, and checks its shape but not its expiry.
 *
 * @param packageName the folder name of the package that reads, for the error.
 * @returns `undefined` for `ENDED_SESSION`.
 * @throws {CorruptRecordError} for any other text; the error contains nothing of it.
 */
export function parseSessionRecord(text: string, packageName: string): SessionRecord | undefined {
	if (text === ENDED_SESSION) return undefined;
	const invalid = (found: string): CorruptRecordError => new CorruptRecordError(packageName, found);
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		throw invalid(`${text.length} characters that are not JSON`);
	}
	if (!isObject(value)) throw invalid('not a JSON object');
	const { createdAtMs, expiresAtMs, clientInfo, clientCapabilities, logLevel, hasEnded } = value;
	if (!Number.isFinite(createdAtMs)) throw invalid('invalid createdAtMs');
	if (!Number.isFinite(expiresAtMs)) throw invalid('invalid expiresAtMs');
	if (clientInfo !== undefined && !isClientInfo(clientInfo))
		throw invalid('clientInfo without name and version');
	if (clientCapabilities !== undefined && !isObject(clientCapabilities))
		throw invalid('invalid clientCapabilities');
	if (logLevel !== undefined && !isLogLevel(logLevel)) throw invalid('invalid logLevel');
	if (hasEnded !== undefined && typeof hasEnded !== 'boolean') throw invalid('invalid hasEnded');
	// Safe because every field that this code reads has been checked.
	return value as unknown as SessionRecord;
}

/**
 * Parses the record of a live session.
 *
 * @param text what the backend stores; `null` or `undefined` if it stores nothing.
 * @returns `undefined` if nothing is stored, the session has ended or `expiresAtMs` has passed.
 * @throws {CorruptRecordError} if the text is not a record.
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

/** Returns the record with the fields of the patch. Fields that are `undefined` there do not change. */
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
