import { describe, expect, it } from 'vitest';

import {
	added,
	all,
	before,
	change,
	ENTRY,
	exporting,
	importing,
	inConfig,
	report,
	testMistakes,
	withOptions,
} from './planted.ts';
import type { Change, Mistakes } from './planted.ts';

const KV = 'new KVInfoSessionManager()';
const imports = {
	objects: importing('DurableObjectInfoSessionManager', '@tmcp-sessions/info-durable-object'),
	sealed: importing('SealedInfoSessionManager', '@tmcp-sessions/info-sealed'),
	state: importing('sessionState', '@tmcp-sessions/state'),
	tasks: importing('DurableObjectTasks', '@tmcp-sessions/tasks-durable-object'),
	sse: importing('createSseHandler', '@tmcp-sessions/http/legacy-sse'),
};
const taskObject: Change = (project) => {
	project.write(
		ENTRY,
		`${project.read(ENTRY)}export { TaskObject } from '@tmcp-sessions/tasks-durable-object';\n`,
	);
	inConfig(
		'"class_name": "SyncLayer" }',
		'"class_name": "SyncLayer" }, { "name": "TMCP_TASK_OBJECT", "class_name": "TaskObject" }',
	)(project);
	inConfig('["SyncLayer"]', '["SyncLayer", "TaskObject"]')(project);
};
const shards: Change = (project) => {
	project.write(
		ENTRY,
		`${project.read(ENTRY)}export { SessionShard } from '@tmcp-sessions/info-durable-object';\n`,
	);
	inConfig(
		'"class_name": "SyncLayer" }',
		'"class_name": "SyncLayer" }, { "name": "TMCP_SESSION_SHARD", "class_name": "SessionShard" }',
	)(project);
	inConfig('["SyncLayer"]', '["SyncLayer", "SessionShard"]')(project);
};
const objectInfo = (argument = ''): Change =>
	all(
		imports.objects,
		shards,
		change(ENTRY, KV, `new DurableObjectInfoSessionManager(${argument})`),
		change(ENTRY, "import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';\n", ''),
	);
const principal = (text: string): Change => withOptions(`oauth, principal: ${text}`);
const oauth = before('const oauth = { verify: async () => null };');
const authenticated = (text: string): Change => all(oauth, principal(text));
/** A Worker of session objects. */
const sessionObject =
	(members: string, options = ''): Change =>
	(project) => {
		importing('SessionObject, createSessionRouter', '@tmcp-sessions/session-object')(project);
		importing('createLegacySse', '@tmcp-sessions/http/legacy-sse')(project);
		exporting(
			`export class Notes extends SessionObject { createServer() { return server; } ${members} }\nexport default createSessionRouter({ object: 'NOTES'${options} });`,
		)(project);
		project.replace(ENTRY, 'const mcp = createMcpHandler(server, {', '({');
		inConfig(
			'"class_name": "SyncLayer" }',
			'"class_name": "SyncLayer" }, { "name": "NOTES", "class_name": "Notes" }',
		)(project);
		inConfig('["SyncLayer"]', '["SyncLayer", "Notes"]')(project);
		project.write(ENTRY, project.read(ENTRY).replace(/\(\{\n\tstreams[^]*?\}\);\n/, ''));
	};
const sealed = (options: string): Change =>
	all(imports.sealed, change(ENTRY, KV, `new SealedInfoSessionManager({ ${options} })`));
const logging = change(ENTRY, 'listChanged: true }', 'listChanged: true }, logging: {}');
const twoServers = (options: string): Change =>
	all(
		exporting(
			`const other = new McpServer({ name: 'b', version: '1' }, { adapter: undefined, capabilities: {} });\nexport const admin = createMcpHandler(other, { path: '/admin', ${options} });\nexport default mcp;`,
		),
	);

const mistakes: Mistakes = {
	'a token as the principal': [
		authenticated('(_request, auth) => auth?.token'),
		'src/index.ts:20 principal returns the token of the caller, a secret',
	],
	'a token in the principal': [
		authenticated('(_request, auth) => auth && { subject: auth.token, client: auth.clientId }'),
		'principal returns the token of the caller',
	],
	'a token that is destructured': [
		authenticated('(_request, { token }) => token'),
		'principal returns the token of the caller',
	],
	'the header without its scheme': [
		withOptions(
			"principal: (request) => request.headers.get('authorization')?.replace('Bearer ', '') ?? null",
		),
		'principal returns the header authorization as it is',
	],
	'the header in a variable': [
		withOptions(
			"principal: (request) => { const header = request.headers.get('Authorization'); if (!header) return null; const [, token] = header.split(' '); return token; }",
		),
		'principal returns the header Authorization as it is',
	],
	'a function that returns the header': [
		all(
			before("function ownerOf(request) { return request.headers.get('Authorization') ?? null; }"),
			withOptions('principal: ownerOf'),
		),
		'principal returns the header Authorization as it is',
	],
	'a header that every client can set': [
		withOptions("principal: (request) => request.headers.get('X-User-Id')"),
		'principal returns the header X-User-Id as it is',
	],
	'a parameter of the URL': [
		withOptions("principal: (request) => new URL(request.url).searchParams.get('user')"),
		'principal returns the parameter user of the URL as it is',
	],
	'one principal for all': [
		withOptions("principal: () => 'user'"),
		'principal returns the same for every request',
	],
	'a principal that reads the body': [
		withOptions('principal: async (request) => (await request.json()).user'),
		'src/index.ts:19 principal reads the body of the request',
	],
	'a verification that reads the body': [
		all(
			before('const oauth = { async verify(request) { await request.text(); return null; } };'),
			principal('(_request, auth) => auth?.clientId'),
		),
		'verify reads the body of the request',
	],
	'tasks in memory': [
		all(
			importing('InMemoryTasks', '@tmcp-sessions/tasks'),
			withOptions('tasks: new InMemoryTasks({ tools: {} })'),
		),
		'src/index.ts:20 InMemoryTasks runs tasks in the memory of one isolate',
	],
	'sessions in memory': [
		all(
			importing('InMemorySessionStore, StoredInfoSessionManager', '@tmcp-sessions/core'),
			change(ENTRY, KV, 'new StoredInfoSessionManager(new InMemorySessionStore())'),
		),
		'InMemorySessionStore stores sessions in the memory of one isolate',
	],
	'Redis over TCP': [
		all(
			importing('connectRedis', '@tmcp-sessions/redis/tcp'),
			importing('RedisInfoSessionManager', '@tmcp-sessions/info-redis'),
			change(ENTRY, KV, "new RedisInfoSessionManager(connectRedis('redis://localhost'))"),
		),
		'connectRedis does not run in a Worker',
	],
	'a context that tasks do not rebuild': [
		all(
			imports.tasks,
			taskObject,
			withOptions(
				'context: (request) => ({ request }), tasks: new DurableObjectTasks({ tools: {} })',
			),
		),
		'createMcpHandler has the option context, and DurableObjectTasks has none',
	],
	'two states with one key': [
		all(
			imports.state,
			before(
				'const info = new KVInfoSessionManager();\nexport const a = sessionState(info, { draft: {}, x: {} });\nexport const b = sessionState(info, { y: {}, draft: {} });',
			),
			change(ENTRY, `info: ${KV}`, 'info'),
		),
		'src/index.ts:14 two states over one info manager have the key draft (also src/index.ts:13)',
	],
	'a handle for a single use in KV': [
		all(
			imports.state,
			before(
				"const info = new KVInfoSessionManager();\nconst state = sessionState(info, { draft: {} });\nexport const create = () => state.createHandle('draft', '', { singleUse: true });",
			),
			change(ENTRY, `info: ${KV}`, 'info'),
		),
		'src/index.ts:14 singleUse needs a store that is atomic; got KVInfoSessionManager',
	],
	'a request state for a single use in KV': [
		all(
			importing('createRequestStateCodec', '@tmcp-sessions/http'),
			change(ENTRY, 'KVInfoSessionManager }', 'KVInfoSessionManager, KVSessionStore }'),
			before(
				"export const codec = createRequestStateCodec({ keys: [globalThis.key], singleUse: new KVSessionStore('TMCP_SESSION_INFO') });",
			),
		),
		'singleUse needs a store that is atomic; got KVSessionStore',
	],
	'an alarm that is overridden': [
		sessionObject('async alarm() { console.log(1); }'),
		'Notes overrides alarm of SessionObject and does not call it',
	],
	'a fetch that is overridden': [
		sessionObject("fetch = async () => new Response('');"),
		'Notes overrides fetch of SessionObject and does not call it',
	],
	'a socket event of a class that extends SyncLayer': [
		all(
			change(ENTRY, 'export { SyncLayer }', 'import { SyncLayer as Base }'),
			before('export class SyncLayer extends Base { webSocketClose() {} }'),
		),
		'SyncLayer overrides webSocketClose of SyncLayer and does not call it',
	],
	'a separate alarm': [
		sessionObject('later() { return this.ctx.storage.setAlarm(Date.now() + 1000); }'),
		'Notes calls setAlarm of its storage, which SessionObject uses itself',
	],
	'managers that two servers share': [
		twoServers('info: new KVInfoSessionManager()'),
		'src/index.ts:23 two handlers of different servers (src/index.ts:16 and 23) share their info',
	],
	'logging over sealed ids': [
		all(sealed('keys: [globalThis.key]'), logging),
		'src/index.ts:20 SealedInfoSessionManager has no rest, and the server declares logging or subscriptions',
	],
	'subscriptions over sealed ids': [
		all(
			sealed('keys: [globalThis.key]'),
			change(ENTRY, 'listChanged: true }', 'listChanged: true }, resources: { subscribe: true }'),
		),
		'SealedInfoSessionManager has no rest',
	],
	'state over sealed ids': [
		all(
			sealed('keys: [globalThis.key]'),
			imports.state,
			before(
				'const info = new SealedInfoSessionManager({ keys: [globalThis.key] });\nexport const state = sessionState(info, {});',
			),
		),
		'sessionState gets a SealedInfoSessionManager without rest',
	],
	'two jurisdictions': [
		all(
			objectInfo("undefined, { jurisdiction: 'eu' }"),
			change(
				ENTRY,
				'new DurableObjectStreamSessionManager()',
				"new DurableObjectStreamSessionManager('TMCP_DURABLE_OBJECT', { jurisdiction: 'fedramp' })",
			),
		),
		'DurableObjectInfoSessionManager has the jurisdiction eu, and DurableObjectStreamSessionManager (src/index.ts:17) has fedramp',
	],
	'one manager without the jurisdiction': [
		objectInfo("undefined, { jurisdiction: 'eu' }"),
		'DurableObjectStreamSessionManager has no jurisdiction',
	],
	'a path of legacy SSE without its endpoint': [
		all(
			imports.sse,
			exporting(
				"export const sse = createSseHandler(server, { path: '/api/sse' });\nexport default mcp;",
			),
		),
		'src/index.ts:23 createSseHandler has the path /api/sse and no endpoint',
	],
	'legacy SSE with separate managers': [
		all(
			imports.sse,
			exporting(
				'export const sse = createSseHandler(server, { info: new KVInfoSessionManager() });\nexport default mcp;',
			),
		),
		'serve one server with two managers as info',
	],
	'a handler in each request': [
		exporting(
			'export default { fetch: (r: Request) => createMcpHandler(server, { info: new KVInfoSessionManager() }).fetch(r) };',
		),
		'error src/index.ts:22 createMcpHandler is called in each request: its subscriptions, calls in flight and caches',
	],
	'a class that is no session object': [
		all(sessionObject(''), change(ENTRY, 'extends SessionObject', 'extends Object')),
		'createSessionRouter forwards requests to Notes, which does not extend SessionObject',
	],
	'a class without a server': [
		all(sessionObject(''), change(ENTRY, 'createServer()', 'create()')),
		'Notes has no createServer: its sessions have no server',
	],
	'changes that are published to nothing': [
		sessionObject("later(session) { return session.publish('tools'); }"),
		'Notes publishes changes, and its settings have no syncLayer',
	],
	'a binding of SyncLayer that does not exist': [
		sessionObject("settings = { syncLayer: 'LAYER' };"),
		'Notes needs the binding LAYER: it must be a Durable Object namespace of SyncLayer; found none',
	],
	'a handler that fetch returns': [
		exporting('export default { fetch() { return mcp; } };'),
		'fetch returns the handler, and not its response',
	],
	'legacy SSE in the router only': [
		sessionObject('', ', sse: createLegacySse()'),
		'sse is in createSessionRouter, and not in settings of Notes',
	],
	'legacy SSE in the class only': [
		sessionObject('settings = { sse: createLegacySse() };'),
		'sse is in settings of Notes, and not in createSessionRouter',
	],
	'legacy SSE at two paths': [
		sessionObject(
			'settings = { sse: createLegacySse() };',
			", sse: createLegacySse({ path: '/old', endpoint: '/old-messages' })",
		),
		'createLegacySse of Notes has other paths than that of createSessionRouter',
	],
};

const correct: Readonly<Record<string, Change>> = {
	'a principal of claims': authenticated(
		"(_request, auth) => auth && { subject: String(auth.extra?.['sub']), client: auth.clientId }",
	),
	'a principal that is looked up': all(
		before("async function userOf(token) { return token === 'x' ? 'ann' : null; }"),
		withOptions(
			"principal: async (request) => { const header = request.headers.get('Authorization') ?? ''; const user = await globalThis.users.get(header); return user ?? null; }",
		),
	),
	'a principal that reads a copy': withOptions(
		"principal: async (request) => (await request.clone().text()).length > 3 ? request.headers.get('cf-access-authenticated-user-email') : null",
	),
	'states with different keys': all(
		imports.state,
		before(
			'const info = new KVInfoSessionManager();\nexport const a = sessionState(info, { draft: {} });\nexport const b = sessionState(info, { cart: {} });',
		),
		change(ENTRY, `info: ${KV}`, 'info'),
	),
	'a handle for a single use in an object': all(
		objectInfo(),
		imports.state,
		before(
			"const info = new DurableObjectInfoSessionManager();\nconst state = sessionState(info, { draft: {} });\nexport const create = () => state.createHandle('draft', '', { singleUse: true });",
		),
	),
	'events that call their base': sessionObject(
		'async fetch(request) { return super.fetch(request); } webSocketClose(socket) { return super.webSocketClose(socket); }',
	),
	'managers of two servers over two namespaces': all(
		twoServers("info: new KVInfoSessionManager('OTHER')"),
		inConfig(
			'{ "binding": "TMCP_SESSION_INFO" }',
			'{ "binding": "TMCP_SESSION_INFO" }, { "binding": "OTHER" }',
		),
	),
	'two addresses of one server': exporting(
		"const info = new KVInfoSessionManager();\nexport const admin = createMcpHandler(server, { path: '/admin', info });\nexport default mcp;",
	),
	'logging over sealed ids with rest': all(
		objectInfo(),
		imports.sealed,
		change(
			ENTRY,
			'new DurableObjectInfoSessionManager()',
			'new SealedInfoSessionManager({ keys: [globalThis.key], rest: new DurableObjectInfoSessionManager() })',
		),
		logging,
	),
	'one jurisdiction': all(
		objectInfo("undefined, { jurisdiction: 'eu' }"),
		change(
			ENTRY,
			'new DurableObjectStreamSessionManager()',
			"new DurableObjectStreamSessionManager('TMCP_DURABLE_OBJECT', { jurisdiction: 'eu' })",
		),
		change(
			ENTRY,
			'new DurableObjectSubscriptionManager()',
			"new DurableObjectSubscriptionManager('TMCP_DURABLE_OBJECT', { jurisdiction: 'eu' })",
		),
	),
	'legacy SSE under a prefix': all(
		imports.sse,
		exporting(
			"export const sse = createSseHandler(server, { path: '/api/sse', endpoint: '/api/messages' });\nexport default mcp;",
		),
	),
	'changes that are published through SyncLayer': sessionObject(
		"settings = { syncLayer: 'TMCP_DURABLE_OBJECT' }; later(session) { return session.publish('tools'); }",
	),
	'legacy SSE in the router and the class': sessionObject(
		'settings = { sse: createLegacySse() };',
		', sse: createLegacySse()',
	),
	'a context that tasks rebuild': all(
		imports.tasks,
		taskObject,
		withOptions(
			'context: (request) => ({ request }), tasks: new DurableObjectTasks({ tools: {}, saveContext: () => 1, context: () => ({}) })',
		),
	),
};

describe('doctor, on servers', () => {
	testMistakes(mistakes, correct);

	it('names an environment that lacks what a manager needs', async () => {
		const printed = await report(added('"env": { "production": {} },'));
		expect(printed).toContain('in the environment production');
	});
});
