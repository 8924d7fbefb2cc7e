import * as fc from 'fast-check';

/** Keys with a meaning in JavaScript. */
const HAZARDOUS_KEYS = [
	'__proto__',
	'constructor',
	'prototype',
	'toString',
	'valueOf',
	'toJSON',
	'then',
	'length',
	'hasOwnProperty',
	'0',
	'-1',
	'',
];
const PROTOCOL_KEYS = [
	'jsonrpc',
	'id',
	'method',
	'params',
	'result',
	'error',
	'code',
	'message',
	'_meta',
	'data',
	'name',
	'arguments',
	'uri',
	'ref',
	'argument',
	'level',
	'cursor',
	'requestId',
	'capabilities',
	'progressToken',
	'notifications',
	'resourceSubscriptions',
	'inputResponses',
	'requestState',
	'io.modelcontextprotocol/protocolVersion',
	'io.modelcontextprotocol/clientCapabilities',
	'io.modelcontextprotocol/clientInfo',
	'io.modelcontextprotocol/logLevel',
];
const METHODS = [
	'initialize',
	'ping',
	'server/discover',
	'tools/list',
	'tools/call',
	'prompts/list',
	'prompts/get',
	'resources/list',
	'resources/read',
	'resources/templates/list',
	'resources/subscribe',
	'resources/unsubscribe',
	'completion/complete',
	'logging/setLevel',
	'subscriptions/listen',
	'notifications/initialized',
	'notifications/cancelled',
	'notifications/progress',
	'notifications/roots/list_changed',
	'elicitation/create',
	'rpc.on',
];
const VERSIONS = ['2025-06-18', '2025-03-26', '2024-11-05', '2025-11-25', '2026-07-28', '1.0'];
const NAMES = [
	'echo',
	'throw',
	'elicit',
	'notify',
	'greet',
	'test://a',
	'test://of/b',
	'test://of/{name}',
];
const WORDS = [...METHODS, ...VERSIONS, ...NAMES, ...HAZARDOUS_KEYS, '2.0', 'info', 'ref/prompt'];
const METADATA = {
	'io.modelcontextprotocol/protocolVersion': '2026-07-28',
	'io.modelcontextprotocol/clientCapabilities': { elicitation: {}, sampling: {} },
	'io.modelcontextprotocol/clientInfo': { name: 'fuzz', version: '1.0.0' },
};

/** Words of the protocol, and texts with lone surrogates, control characters, any plane or great length. */
export const text: fc.Arbitrary<string> = fc.oneof(
	fc.constantFrom(...WORDS),
	fc.string({ unit: 'binary', maxLength: 20 }),
	fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
	fc.constantFrom('\ud800', '\udfff\ud800', '\0', '\u2028', '\u202e', 'é'.normalize('NFD'), '🚀'),
	fc.integer({ min: 1_000, max: 3_000 }).map((length) => 'x'.repeat(length)),
);

const leaf: fc.Arbitrary<unknown> = fc.oneof(
	text,
	fc.integer(),
	fc.double(),
	fc.boolean(),
	fc.constantFrom(null, 0, -0, 1, 2 ** 53, -1, 1e308, 0.1, [], {}, '', METADATA),
);

/** Any JSON value; many keys are protocol keys or hazardous in JavaScript. */
export const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
	value: fc.oneof(
		{ maxDepth: 5, depthSize: 'small' },
		leaf,
		fc.array(tie('value'), { maxLength: 4 }),
		fc
			.array(
				fc.tuple(
					fc.oneof(fc.constantFrom(...PROTOCOL_KEYS, ...HAZARDOUS_KEYS), text),
					tie('value'),
				),
				{ maxLength: 5 },
			)
			.map(withOwn),
		fc.integer({ min: 1, max: 140 }).map((depth) => nested(depth)),
	),
})).value;

/** Creates an object with these own properties, also `__proto__`. */
function withOwn(entries: readonly (readonly [string, unknown])[]): object {
	return Object.fromEntries(entries);
}

/** Returns an array nested this deep. */
export function nested(depth: number): unknown {
	let inner: unknown = [];
	for (let level = 1; level < depth; level++) inner = [inner];
	return inner;
}

const VALID_PARAMS: readonly (readonly [method: string, params: object | undefined])[] = [
	[
		'initialize',
		{ protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'a', version: '1' } },
	],
	['ping', undefined],
	['server/discover', {}],
	['tools/list', {}],
	['tools/list', { cursor: 'gA' }],
	['tools/call', { name: 'echo', arguments: { text: 'a' }, _meta: { progressToken: 1 } }],
	['tools/call', { name: 'throw' }],
	['tools/call', { name: 'elicit' }],
	['tools/call', { name: 'notify', _meta: { progressToken: 'a' } }],
	['prompts/list', {}],
	['prompts/get', { name: 'greet', arguments: { text: 'a' } }],
	['resources/list', {}],
	['resources/templates/list', {}],
	['resources/read', { uri: 'test://a' }],
	['resources/read', { uri: 'test://of/b' }],
	['resources/subscribe', { uri: 'test://a' }],
	['resources/unsubscribe', { uri: 'test://a' }],
	[
		'completion/complete',
		{ ref: { type: 'ref/prompt', name: 'greet' }, argument: { name: 'text', value: 'a' } },
	],
	[
		'completion/complete',
		{
			ref: { type: 'ref/resource', uri: 'test://of/{name}' },
			argument: { name: 'name', value: '' },
		},
	],
	['logging/setLevel', { level: 'debug' }],
	[
		'subscriptions/listen',
		{
			notifications: { toolsListChanged: true, resourceSubscriptions: ['test://a', 'test://of/b'] },
		},
	],
	['notifications/initialized', undefined],
	['notifications/cancelled', { requestId: 1, reason: 'enough' }],
	['notifications/progress', { progressToken: 1, progress: 1 }],
	['notifications/roots/list_changed', undefined],
];

const ids = fc.oneof(fc.constantFrom(0, 1, 'a', '1', ''), fc.integer(), text);

/** Valid messages of both eras: requests, notifications, and client responses with results and errors. */
export const validMessage: fc.Arbitrary<object> = fc.oneof(
	{
		weight: 6,
		arbitrary: fc
			.tuple(fc.constantFrom(...VALID_PARAMS), ids, fc.boolean())
			.map(([[method, params], id, isStateless]) => ({
				jsonrpc: '2.0',
				...(!method.startsWith('notifications/') && { id }),
				method,
				...(params && { params }),
				...(isStateless && { params: { ...params, _meta: METADATA } }),
			})),
	},
	{
		weight: 1,
		arbitrary: fc
			.tuple(ids, fc.constantFrom({ action: 'accept', content: { sure: true } }, {}))
			.map(([id, result]) => ({ jsonrpc: '2.0', id, result })),
	},
	{
		weight: 1,
		arbitrary: ids.map((id) => ({ jsonrpc: '2.0', id, error: { code: -1, message: 'no' } })),
	},
);

/** A valid message with one to three values replaced, removed or added. */
export const mutatedMessage: fc.Arbitrary<unknown> = fc
	.tuple(
		validMessage,
		fc.array(fc.tuple(fc.nat(), fc.constantFrom('replace', 'remove', 'add'), text, value), {
			minLength: 1,
			maxLength: 3,
		}),
	)
	.map(([message, changes]) =>
		changes.reduce<unknown>(
			(current, [position, change, key, other]) => mutate(current, position, change, key, other),
			message,
		),
	);

/** Returns the value with one change, at this position in depth-first order. */
function mutate(
	root: unknown,
	position: number,
	change: string,
	key: string,
	other: unknown,
): unknown {
	let remaining = position % countNodes(root);
	const walk = (node: unknown): unknown => {
		if (remaining-- === 0) {
			if (change === 'replace') return other;
			return isBranch(node) && change === 'add'
				? withOwn([...Object.entries(node), [key, other]])
				: undefined;
		}
		if (!isBranch(node)) return node;
		const entries = Object.entries(node).map(([name, child]) => [name, walk(child)] as const);
		return Array.isArray(node) ? entries.map(([, child]) => child) : withOwn(entries);
	};
	return walk(root);
}

function countNodes(node: unknown): number {
	if (!isBranch(node)) return 1;
	return Object.values(node).reduce<number>((sum, child) => sum + countNodes(child), 1);
}

function isBranch(node: unknown): node is object {
	return typeof node === 'object' && node !== null;
}
