import { describe } from 'vitest';

import {
	added,
	all,
	before,
	change,
	ENTRY,
	exporting,
	importing,
	inConfig,
	testMistakes,
	withOptions,
} from './planted.ts';
import type { Change, Mistakes } from './planted.ts';

const KV = 'new KVInfoSessionManager()';
const flags = (text: string): Change => inConfig('["nodejs_compat"]', text);
const choosing = (value: string): Change =>
	all(
		importing('chooseSessions', '@tmcp-sessions/core'),
		before(
			`import { env } from 'cloudflare:workers';\nexport const chosen = chooseSessions(env.MCP_SESSIONS, { info: { kv: () => 1, sealed: () => 2 } });`,
		),
		added(`"vars": { "MCP_SESSIONS": "${value}" },`),
	);

/** Chooses one of three info managers; the configuration has the binding of the first one. */
const choosingInfo = (value: string): Change =>
	all(
		importing('chooseSessions, splitInfo', '@tmcp-sessions/core'),
		importing('DurableObjectInfoSessionManager', '@tmcp-sessions/info-durable-object'),
		before(
			`import { env } from 'cloudflare:workers';
const kv = ${KV};
const object = new DurableObjectInfoSessionManager();
const mixed = () => splitInfo({ client: kv, logLevel: object, subscriptions: object });
const { info } = chooseSessions(env.MCP_SESSIONS, { info: { kv: () => kv, object: () => object, mixed } });`,
		),
		change(ENTRY, `	info: ${KV}`, '	info'),
		added(`"vars": { "MCP_SESSIONS": "${value}" },`),
	);

const mistakes: Mistakes = {
	'a chosen manager without its binding': [
		choosingInfo('info=object'),
		'needs the binding TMCP_SESSION_SHARD: it must be a Durable Object namespace; found none',
	],
	'two chosen managers, one of them without its binding': [
		choosingInfo('info=mixed'),
		'needs the binding TMCP_SESSION_SHARD',
	],
	'another choice in an environment': [
		all(
			choosingInfo('info=kv'),
			added(
				`"env": { "staging": { "vars": { "MCP_SESSIONS": "info=mixed" }, "secrets": { "required": ["TMCP_SESSION_KEYS"] }, "durable_objects": { "bindings": [{ "name": "TMCP_DURABLE_OBJECT", "class_name": "SyncLayer" }, { "name": "TMCP_SESSION_SHARD", "class_name": "SessionShard" }] } } },`,
			),
		),
		'KVInfoSessionManager (src/index.ts:14) needs the binding TMCP_SESSION_INFO in the environment staging',
	],
	'a host with a scheme': [
		withOptions("allowedHosts: ['https://mcp.example.com']"),
		'src/index.ts:16 createMcpHandler: allowedHosts must hold hosts such as mcp.example.com; got "https://mcp.example.com"',
	],
	'a host with a wildcard': [
		withOptions("allowedHosts: ['*.example.com']"),
		'allowedHosts has no wildcards; got *.example.com',
	],
	'an origin without a scheme': [
		withOptions("cors: ['app.example.com']"),
		'cors must be true, or hold origins such as https://app.example.com; got "app.example.com"',
	],
	'every origin as a text': [withOptions("cors: '*'"), 'cors must be true'],
	'an option that is misspelt': [
		withOptions('keepAliveSecond: 10'),
		'createMcpHandler has no option keepAliveSecond; did you mean keepAliveSeconds?',
	],
	'an option with a computed value that is misspelt': [
		withOptions('onErrors: console.error'),
		'createMcpHandler has no option onErrors; did you mean onError?',
	],
	'an option of another library': [
		withOptions("route: '/mcp'"),
		'createMcpHandler has no option route; did you mean path?',
	],
	'an option that was renamed': [
		withOptions('heartbeatSeconds: 10'),
		'the option heartbeatSeconds is now called keepAliveSeconds',
	],
	'a number that is out of range': [
		withOptions('keepAliveSeconds: 60'),
		'keepAliveSeconds must be above 0 and at most 25; got 60',
	],
	'a product that is out of range': [
		withOptions('recheckSeconds: 30 * 24 * 60 * 60'),
		'recheckSeconds must be above 0 and at most 86400; got 2592000',
	],
	'a constant that is out of range': [
		all(before('const MB = 1024 ** 2;'), withOptions('maxBodyBytes: 600 * MB')),
		'maxBodyBytes must be above 0 and at most 524288000',
	],
	'too many shards': [
		withOptions('placement: { shards: 300 }'),
		'placement: shards must be an integer from 1 to 256; got 300',
	],
	'an era that does not exist': [withOptions("eras: 'modern'"), 'eras must be one of both'],
	'a key that is too weak': [
		withOptions("sessionKeys: ['short']"),
		'the option sessionKeys needs keys of at least 32 characters',
	],
	'a key that is no list': [
		all(
			before("import { env } from 'cloudflare:workers';"),
			withOptions('sessionKeys: env.TMCP_SESSION_KEYS'),
		),
		'sessionKeys must be a list',
	],
	'an option of a manager that is misspelt': [
		change(ENTRY, KV, 'new KVInfoSessionManager(undefined, { idleSecond: 60 })'),
		'KVInfoSessionManager has no option idleSecond; did you mean idleSeconds?',
	],
	'a lifetime of a manager that is out of range': [
		change(ENTRY, KV, 'new KVInfoSessionManager(undefined, { idleSeconds: -1 })'),
		'src/index.ts:19 idleSeconds must be',
	],
	'options in place of a binding': [
		change(ENTRY, KV, 'new KVInfoSessionManager({ idleSeconds: 60 })'),
		'the first argument of KVInfoSessionManager is the binding, or its name; got options',
	],
	'an option of the streams that is misspelt': [
		change(
			ENTRY,
			'new DurableObjectStreamSessionManager()',
			"new DurableObjectStreamSessionManager(undefined, { juristiction: 'eu' })",
		),
		'DurableObjectStreamSessionManager has no option juristiction; did you mean jurisdiction?',
	],
	'an interval of tasks that is out of range': [
		all(
			importing('DurableObjectTasks', '@tmcp-sessions/tasks-durable-object'),
			withOptions('tasks: new DurableObjectTasks({ tools: { a: { pollSeconds: 0 } } })'),
		),
		'tools.a.pollSeconds must be from 0.1 to 3600; got 0',
	],
	'a lifetime of request states that is out of range': [
		all(
			importing('createRequestStateCodec', '@tmcp-sessions/http'),
			before(
				'export const codec = createRequestStateCodec({ keys: [globalThis.key], lifetimeSeconds: 0 });',
			),
		),
		'lifetimeSeconds must be above 0; got 0',
	],
	'a lifetime of handles that is out of range': [
		all(
			importing('sessionState', '@tmcp-sessions/state'),
			before(
				'const info = new KVInfoSessionManager();\nexport const state = sessionState(info, {}, { handleSeconds: 1e9 });',
			),
		),
		'handleSeconds must be a number from 1 to 2592000',
	],
	'a setting of a session object that is misspelt': [
		all(
			importing('SessionObject', '@tmcp-sessions/session-object'),
			exporting(
				'export class Notes extends SessionObject { settings = { artifactByte: 1 }; createServer() { return server; } }\nexport default mcp;',
			),
		),
		'Notes: settings has no option artifactByte; did you mean artifactBytes?',
	],
	'a path of legacy SSE without a slash': [
		all(
			importing('createSseHandler', '@tmcp-sessions/http/legacy-sse'),
			exporting(
				"export const sse = createSseHandler(server, { endpoint: 'messages' });\nexport default mcp;",
			),
		),
		'endpoint must be a path that starts with a slash',
	],
	'a choice of managers that does not exist': [
		choosing('info=redis'),
		'MCP_SESSIONS: the setting of chooseSessions must be "info=kv|sealed"; got info=redis',
	],
	'a choice without its role': [choosing('kv'), 'Did you mean info=kv?'],
	'a flag that is misspelt': [
		flags('["node_compat"]'),
		'there is no compatibility flag node_compat: workerd does not start with it\n    fix: write "nodejs_compat"',
	],
	'another flag that is misspelt': [
		flags('["nodejs_compat", "streams_enable_constructor"]'),
		'wrangler.jsonc:5 there is no compatibility flag streams_enable_constructor',
	],
	'a flag that does not exist': [
		flags('["nodejs_compat", "faster_please"]'),
		'there is no compatibility flag faster_please',
	],
	'a flag that turns off what is needed': [
		flags('["no_nodejs_compat"]'),
		'the flag no_nodejs_compat turns nodejs_compat off',
	],
	'a flag that cannot be deployed': [
		flags('["nodejs_compat", "experimental"]'),
		'the flag experimental cannot be deployed',
	],
};

const correct: Readonly<Record<string, Change>> = {
	'values within their ranges': withOptions(
		"keepAliveSeconds: 25, recheckSeconds: 0, maxBodyBytes: 2 * 1024 ** 2, eras: 'session-based', placement: { shards: 4, region: () => undefined }, allowedHosts: ['mcp.example.com:8443'], cors: ['https://app.example.com']",
	),
	'computed values': all(
		before("import { env } from 'cloudflare:workers';"),
		withOptions(
			'sessionKeys: [env.TMCP_SESSION_KEYS], keepAliveSeconds: Number(globalThis.seconds), cors: globalThis.cors',
		),
	),
	'a choice that exists': choosing('info=kv'),
	'a chosen manager with its binding': choosingInfo('info=kv'),
	'flags that exist': flags('["nodejs_compat", "global_fetch_strictly_public"]'),
};

describe('doctor, on values of options', () => {
	testMistakes(mistakes, correct);
});
