import {
	idOf,
	isObject,
	isValidId,
	MAX_ID_LENGTH,
	metadataOf,
	paramsOf,
} from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import { invalidParams, invalidRequest } from '../request/http-rejection.ts';

/** Characters of JSON of `initialize` params, which are stored. */
const MAX_INITIALIZE_LENGTH = 16 * 1_024;

/**
 * Rejects ids that tmcp would ignore: it would take the request for a notification and never answer.
 *
 * @throws {HttpRejection} 400 for an invalid id or progress token.
 */
export function checkIds(message: JsonObject): void {
	checkId('id', message.id);
	checkId('progressToken', metadataOf(message)?.['progressToken']);
}

function checkId(name: string, id: unknown): void {
	if (id === undefined || isValidId(id)) return;
	const expected = `an integer or at most ${MAX_ID_LENGTH} characters`;
	throw invalidRequest(`The ${name} of a message must be ${expected}`);
}

/**
 * Checks what tmcp requires at `initialize`, before a session is opened for the client. tmcp would
 * answer with -32603.
 */
function checkClient(message: unknown): void {
	const { protocolVersion, capabilities, clientInfo } = paramsOf(message);
	const client = isObject(clientInfo) ? clientInfo : {};
	const texts = [protocolVersion, client['name'], client['version']];
	if (isObject(capabilities) && texts.every((text) => typeof text === 'string')) return;
	throw invalidParams(
		'initialize requires a protocolVersion, capabilities, and a clientInfo with name and version',
	);
}

/** Whether the text of a message may be that of `initialize`, however its JSON escapes it. */
export function mayInitialize(text: string): boolean {
	return text.includes('"initialize"') || text.includes(String.raw`\u00`);
}

/** @throws {HttpRejection} 400 if the id or a required field is missing, or the params are too long. */
export function checkInitialize(message: unknown): void {
	if (idOf(message) === undefined) throw invalidRequest('initialize requires an id');
	checkClient(message);
	const { length } = JSON.stringify(paramsOf(message));
	if (length <= MAX_INITIALIZE_LENGTH) return;
	throw invalidParams(
		`initialize must have at most ${MAX_INITIALIZE_LENGTH} characters; got ${length}`,
	);
}
