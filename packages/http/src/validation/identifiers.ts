import { invalidParams } from '../request/http-rejection.ts';
import { isObject, metadataOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';

/**
 * Characters of an identifier, such as a URI: longer than any legitimate one. Servers match, store, log
 * and repeat identifiers: tmcp 1.20 took 2.3 s to match a URI of 80,000 characters.
 */
export const MAX_IDENTIFIER_LENGTH = 2_048;

/** The params of all methods that identify something. */
const PARAMS = [
	'cursor',
	'elicitationId',
	'name',
	'progressToken',
	'protocolVersion',
	'requestId',
	'taskId',
	'uri',
] as const;
const METADATA = [
	'io.modelcontextprotocol/protocolVersion',
	'io.modelcontextprotocol/subscriptionId',
	'io.modelcontextprotocol/related-task',
] as const;

/**
 * Checks the length of every identifier in a message. The JSON-RPC id is checked before, so that this
 * rejection can name it.
 *
 * @throws {HttpRejection} 400 with -32602 for an identifier that is too long.
 */
export function checkIdentifiers({ method, params }: JsonObject): void {
	checkLength('method', method);
	if (!isObject(params)) return;
	for (const name of PARAMS) checkLength(name, params[name]);
	const { argument, notifications, ref } = params;
	if (isObject(ref)) {
		for (const name of ['type', 'name', 'uri']) checkLength(`ref.${name}`, ref[name]);
	}
	if (isObject(argument)) checkLength('argument.name', argument['name']);
	if (isObject(notifications)) checkSubscriptions(notifications);
	const metadata = metadataOf({ params });
	if (metadata) for (const name of METADATA) checkLength(`_meta.${name}`, metadata[name]);
}

function checkSubscriptions({ resourceSubscriptions: uris, taskIds }: JsonObject): void {
	for (const list of [uris, taskIds]) {
		if (Array.isArray(list)) for (const each of list) checkLength('a subscribed uri', each);
	}
}

function checkLength(name: string, identifier: unknown): void {
	if (typeof identifier === 'string') checkText(name, identifier);
	else if (isObject(identifier)) checkText(name, identifier['taskId']);
}

function checkText(name: string, identifier: unknown): void {
	if (typeof identifier !== 'string' || identifier.length <= MAX_IDENTIFIER_LENGTH) return;
	const found = identifier.length;
	throw invalidParams(
		`${name} must have at most ${MAX_IDENTIFIER_LENGTH} characters; got ${found}`,
	);
}
