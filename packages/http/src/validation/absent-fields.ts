import { isObject, methodOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import { declareFormMode } from './elicitation-modes.ts';

const PREFIX = 'io.modelcontextprotocol/';
/** Fields of metadata whose own fields may be null, with their levels. */
const METADATA_LEVELS = { [`${PREFIX}clientCapabilities`]: 2, [`${PREFIX}clientInfo`]: 3 };
/** As in `METADATA_LEVELS`. Icons are an array of objects in the client info. */
const INITIALIZE_LEVELS = { capabilities: 2, clientInfo: 3 };
/** The results of clients may have null for fields that they leave out, but not the content of a form. */
const RESPONSE_LEVELS = { inputResponses: 2 };

/**
 * Parses JSON-RPC messages. `null` means absent in the fields of the protocol: clients in languages
 * without `undefined` send it for each optional field, and tmcp's schemas reject it. Arguments of tools
 * and other values of users keep it. An elicitation capability without a mode is that of forms.
 *
 * @throws {SyntaxError} if the text is not JSON.
 */
export function parseJsonRpc(text: string): unknown {
	const parsed: unknown = JSON.parse(text);
	// Hot path: most messages contain neither of these texts.
	const message = text.includes('null') ? presentMessages(parsed) : parsed;
	if (text.includes('"elicitation"')) declareFormMode(message);
	return message;
}

function presentMessages(parsed: unknown): unknown {
	return Array.isArray(parsed) ? parsed.map(withoutNulls) : withoutNulls(parsed);
}

function withoutNulls(message: unknown): unknown {
	if (!isObject(message)) return message;
	const { id, result, ...others } = message;
	const { params, ...fields } = omitNulls(others) as JsonObject;
	const isRequest = methodOf(message) !== undefined;
	const isResultAbsent = result === null && (isRequest || fields.error !== undefined);
	const hasResult = 'result' in message && !isResultAbsent;
	return {
		...fields,
		// A request with the id null would never be answered: it is rejected.
		...('id' in message && { id }),
		...(params !== undefined && { params: isRequest ? presentParams(message, params) : params }),
		...(hasResult && { result: present(result, 1) }),
	};
}

function presentParams(message: JsonObject, params: unknown): unknown {
	if (!isObject(params)) return params;
	const levels = methodOf(message) === 'initialize' ? INITIALIZE_LEVELS : RESPONSE_LEVELS;
	const { _meta: metadata, ...fields } = omitNulls(params, levels);
	return {
		...fields,
		...(metadata !== undefined && {
			_meta: isObject(metadata) ? omitNulls(metadata, METADATA_LEVELS) : metadata,
		}),
	};
}

/** Omits the fields that are null, and those of the named fields down to a number of levels. */
function omitNulls(
	object: JsonObject,
	levels: Readonly<Record<string, number>> = {},
): Record<string, unknown> {
	const fields = Object.entries(object).filter(([, value]) => value !== null);
	return Object.fromEntries(
		fields.map(([name, value]) => [
			name,
			present(value, Object.hasOwn(levels, name) ? (levels[name] ?? 0) : 0),
		]),
	);
}

function present(value: unknown, levels: number): unknown {
	if (levels === 0) return value;
	if (Array.isArray(value)) return value.map((item) => present(item, levels - 1));
	if (!isObject(value)) return value;
	const fields = Object.entries(value).filter(([, field]) => field !== null);
	return Object.fromEntries(fields.map(([name, field]) => [name, present(field, levels - 1)]));
}
