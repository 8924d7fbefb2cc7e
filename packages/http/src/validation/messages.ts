import { idOf, isObject, metadataOf, paramsOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import { invalidRequest, HttpRejection } from '../request/http-rejection.ts';

/** What a client may say of itself at `initialize`, in characters of JSON: it is stored. */
const MAX_INITIALIZE_LENGTH = 16 * 1_024;
const MAX_ID_LENGTH = 1_024;

/**
 * What tmcp does not take for an id, it takes for none: the request would never be answered.
 *
 * @throws {HttpRejection} 400, for an id or a progress token that is none.
 */
export function checkIds(message: JsonObject): void {
	checkId('id', message.id);
	checkId('progressToken', metadataOf(message)?.['progressToken']);
}

function checkId(name: string, id: unknown): void {
	if (id === undefined || Number.isSafeInteger(id)) return;
	if (typeof id === 'string' && id.length <= MAX_ID_LENGTH) return;
	const most = `${MAX_ID_LENGTH} characters`;
	throw invalidRequest(`The ${name} of a message must be an integer or at most ${most}`);
}

/**
 * What tmcp asks of a client, asked before anything is made for it elsewhere.
 *
 * @throws {HttpRejection} 400, where a part of it is missing.
 */
export function checkClient(message: unknown): void {
	const { protocolVersion, capabilities, clientInfo } = paramsOf(message);
	const client = isObject(clientInfo) ? clientInfo : {};
	const texts = [protocolVersion, client['name'], client['version']];
	if (isObject(capabilities) && texts.every((text) => typeof text === 'string')) return;
	throw new HttpRejection({
		status: 400,
		code: -32602,
		message:
			'initialize needs a protocolVersion, capabilities, and a clientInfo with name and version',
	});
}

/** @throws {HttpRejection} 400, where it has no id or says too much. */
export function checkInitialize(message: unknown): void {
	if (idOf(message) === undefined) throw invalidRequest('initialize is a request: it needs an id');
	const { length } = JSON.stringify(paramsOf(message));
	if (length <= MAX_INITIALIZE_LENGTH) return;
	throw new HttpRejection({
		status: 400,
		code: -32602,
		message: `The params of initialize must have at most ${MAX_INITIALIZE_LENGTH} characters; found ${length}`,
	});
}
