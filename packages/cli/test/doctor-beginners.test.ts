import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { PACKAGES } from '../src/doctor/rules/packages.ts';
import {
	added,
	all,
	before,
	change,
	CONFIG,
	ENTRY,
	exporting,
	importing,
	inConfig,
	testMistakes,
	withOptions,
} from './planted.ts';
import type { Change, Mistakes } from './planted.ts';
import { run } from './terminal.ts';
import { workerFiles, WorkerProject } from './worker-project.ts';

const OBJECTS = '"new_sqlite_classes": ["SyncLayer"]';
const INFO = "import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';";

/** Creates the handler with `create()`. */
const creating =
	(text: string): Change =>
	(project) => {
		project.replace(
			ENTRY,
			'export default createMcpHandler(server, {',
			'const create = () => createMcpHandler(server, {',
		);
		project.write(ENTRY, `${project.read(ENTRY)}\n${text}\n`);
	};
const declaring =
	(name: string, use: Change): Change =>
	(project) => {
		project.replace('package.json', '"dependencies":{', `"dependencies":{"${name}":"*",`);
		use(project);
	};

const perRequest = 'src/index.ts:16 createMcpHandler is called in each request';

const mistakes: Mistakes = {
	'a handler in fetch': [
		creating('export default { fetch: (r: Request) => create().fetch(r) };'),
		perRequest,
	],
	'a handler in a method': [
		creating(
			'export default { async fetch(r: Request) { const h = create(); return h.fetch(r); } };',
		),
		perRequest,
	],
	'a handler in a route of Hono': [
		declaring(
			'hono',
			creating(
				"import { Hono } from 'hono';\nconst app = new Hono();\napp.all('/mcp', (c) => create().fetch(c.req.raw));\nexport default app;",
			),
		),
		perRequest,
	],
	'a handler in a function that fetch names': [
		creating(
			'function serve(r: Request) { return create().fetch(r); }\nexport default { fetch: serve };',
		),
		perRequest,
	],
	'a handler in a class': [
		creating(
			"import { WorkerEntrypoint } from 'cloudflare:workers';\nexport default class extends WorkerEntrypoint { fetch(r: Request) { return create().fetch(r); } }",
		),
		perRequest,
	],
	'a handler with streams in memory in fetch': [
		(project) => {
			project.replace(ENTRY, '	streams: new DurableObjectStreamSessionManager(),\n', '');
			creating('export default { fetch: (r: Request) => create().fetch(r) };')(project);
		},
		'error src/index.ts:16 createMcpHandler is called in each request: what it keeps in memory',
	],
	'module.exports': [
		exporting('module.exports = mcp;'),
		'src/index.ts:22 src/index.ts has no default export: the Worker answers no request; found module.exports',
	],
	'a listener of fetch': [
		exporting("addEventListener('fetch', (event) => event.respondWith(mcp.fetch(event.request)));"),
		'found a listener of "fetch"',
	],
	'a function as the default export': [
		exporting('export default (r: Request) => mcp.fetch(r);'),
		'src/index.ts:22 the default export is a function',
	],
	'the method fetch as the default export': [
		exporting('export default mcp.fetch;'),
		'the default export is the method fetch',
	],
	'a handler that is not created': [
		exporting('export default createMcpHandler;'),
		'the default export is the function createMcpHandler, which is not called',
	],
	'a default export without fetch': [
		exporting('export default { mcp };'),
		'the default export has no fetch; found mcp',
	],
	'a handler in place of its fetch': [
		exporting('export default { fetch: mcp };'),
		'fetch of the default export is a handler, not a function',
	],
	'a path without a slash': [
		change(ENTRY, '	info:', "	path: 'mcp',\n	info:"),
		'src/index.ts:19 the path of createMcpHandler must begin with /; found mcp',
	],
	'a route of another path': [
		declaring(
			'hono',
			exporting(
				"import { Hono } from 'hono';\nconst app = new Hono();\napp.all('/api/mcp', (c) => mcp.fetch(c.req.raw));\nexport default app;",
			),
		),
		'src/index.ts:24 a route passes requests of /api/mcp to a handler of /mcp, which answers them with 404',
	],
	'an API route of another path': [
		declaring(
			'@cloudflare/workers-oauth-provider',
			exporting(
				"import { OAuthProvider } from '@cloudflare/workers-oauth-provider';\nexport default new OAuthProvider({ apiRoute: '/api', apiHandler: mcp });",
			),
		),
		'apiRoute of OAuthProvider passes requests of /api* to a handler of /mcp',
	],
	'the handler of another package': [
		declaring(
			'@modelcontextprotocol/server',
			change(
				ENTRY,
				"import { createMcpHandler } from '@tmcp-sessions/http';",
				"import { createMcpHandler } from '@modelcontextprotocol/server';",
			),
		),
		'createMcpHandler is that of @modelcontextprotocol/server, which knows no session managers',
	],
	'the managers of the older package': [
		declaring(
			'@tmcp/session-manager-durable-objects',
			change(
				ENTRY,
				INFO,
				INFO.replace('@tmcp-sessions/info-kv', '@tmcp/session-manager-durable-objects'),
			),
		),
		'the managers of @tmcp/session-manager-durable-objects do not work with the handler',
	],
	'the class of the older package': [
		declaring(
			'@tmcp/session-manager-durable-objects',
			change(
				ENTRY,
				"export { SyncLayer } from '@tmcp-sessions/streams-durable-object'",
				"export { SyncLayer } from '@tmcp/session-manager-durable-objects'",
			),
		),
		'the class SyncLayer is that of @tmcp/session-manager-durable-objects; the managers need that of @tmcp-sessions/streams-durable-object',
	],
	'a package with its words swapped': [
		change(ENTRY, INFO, INFO.replace('info-kv', 'kv-info')),
		"src/index.ts:2 there is no package @tmcp-sessions/kv-info of tmcp-sessions\n    fix: import from '@tmcp-sessions/info-kv'",
	],
	'a scope that is misspelt': [
		change(ENTRY, INFO, INFO.replace('@tmcp-sessions/', '@tmcp-session/')),
		'there is no package @tmcp-session/info-kv of tmcp-sessions',
	],
	'two versions of tmcp': [
		(project) =>
			project.write(
				'node_modules/@tmcp-sessions/http/node_modules/tmcp/package.json',
				'{ "version": "1.21.0" }',
			),
		'package.json:1 tmcp is installed twice: 1.20.3 for this project, 1.21.0 for @tmcp-sessions/http',
	],
	'an older wrangler': [
		(project) => project.write('node_modules/wrangler/package.json', '{ "version": "3.99.0" }'),
		'wrangler 3.99.0 is older than 4',
	],
	'a class without export': [
		(project) => {
			project.replace(
				CONFIG,
				'"class_name": "SyncLayer" }',
				'"class_name": "SyncLayer" }, { "name": "N", "class_name": "Notes" }',
			);
			project.replace(CONFIG, OBJECTS, '"new_sqlite_classes": ["SyncLayer", "Notes"]');
			project.replace(ENTRY, 'const server', 'class Notes {}\nconst server');
		},
		'does not export the class Notes, which a binding names\n    fix: write export before class Notes in src/index.ts',
	],
	'a class that another file exports': [
		(project) => {
			project.replace(
				CONFIG,
				'"class_name": "SyncLayer" }',
				'"class_name": "SyncLayer" }, { "name": "N", "class_name": "Notes" }',
			);
			project.replace(CONFIG, OBJECTS, '"new_sqlite_classes": ["SyncLayer", "Notes"]');
			project.write('src/notes.ts', 'export class Notes {}\nexport const limit = 3;');
			project.replace(
				ENTRY,
				'const server',
				"import { limit } from './notes.ts';\nconsole.log(limit);\nconst server",
			);
		},
		"fix: add to src/index.ts: export { Notes } from './notes.ts';",
	],
	'a misspelt class in a migration': [
		inConfig(OBJECTS, '"new_sqlite_classes": ["SyncLayer", "SynkLayer"]'),
		'wrangler.jsonc:11 src/index.ts does not export the class SynkLayer, which migrations creates',
	],
	'two bindings of one name': [
		(project) => {
			project.replace(
				ENTRY,
				INFO,
				"import { DurableObjectInfoSessionManager } from '@tmcp-sessions/info-durable-object';",
			);
			project.replace(
				ENTRY,
				'new KVInfoSessionManager()',
				"new DurableObjectInfoSessionManager({ binding: 'TMCP_DURABLE_OBJECT' })",
			);
		},
		'TMCP_DURABLE_OBJECT must be a namespace of SessionShard; found one of SyncLayer',
	],
	'a field that is there twice': [
		added('"kv_namespaces": [{ "binding": "CACHE" }],'),
		'wrangler.jsonc:14 "kv_namespaces" is there twice: wrangler reads only the last one',
	],
	'a misspelt field': [
		inConfig('"kv_namespaces"', '"kv_namespace"'),
		'wrangler.jsonc:12 wrangler has no field "kv_namespace" here, and ignores it\n    fix: write "kv_namespaces"',
	],
	'a misspelt field of an environment': [
		added('"env": { "production": { "durable_object": {} } },'),
		'wrangler has no field "durable_object" here',
	],
	'a misspelt list of a migration': [
		inConfig('new_sqlite_classes', 'new_sqlite_class'),
		'wrangler has no field "new_sqlite_class" here',
	],
	'bindings without their object': [
		(project) => {
			project.replace(CONFIG, '"durable_objects": {\n    "bindings": ', '"durable_objects": ');
			project.replace(CONFIG, '"SyncLayer" }],\n  },', '"SyncLayer" }],');
		},
		'"durable_objects" must be an object; found a list',
	],
	'the name of a binding in the wrong field': [
		inConfig('{ "name": "TMCP_DURABLE_OBJECT"', '{ "binding": "TMCP_DURABLE_OBJECT"'),
		'wrangler.jsonc:9 an entry of "durable_objects.bindings" has no "name"; found binding, class_name',
	],
	'a list of secrets': [
		inConfig('{ "required": ["TMCP_SESSION_KEYS"] }', '["TMCP_SESSION_KEYS"]'),
		'"secrets" must be an object; found a list',
	],
	'a flag that is no list': [
		inConfig('["nodejs_compat"]', '"nodejs_compat"'),
		'"compatibility_flags" must be a list; found a string',
	],
	'an example in place of an id': [
		inConfig(
			'{ "binding": "TMCP_SESSION_INFO" }',
			'{ "binding": "TMCP_SESSION_INFO", "id": "<your-id>" }',
		),
		'wrangler.jsonc:12 "id" is still an example: <your-id>',
	],
	'an id that is a name': [
		inConfig(
			'{ "binding": "TMCP_SESSION_INFO" }',
			'{ "binding": "TMCP_SESSION_INFO", "id": "sessions" }',
		),
		'the id of a KV namespace must be 32 hexadecimal digits; found sessions',
	],
	'a date in the future': [
		inConfig('2026-07-01', '2999-01-01'),
		'the compatibility date 2999-01-01 is not a day that has passed',
	],
	'a day that does not exist': [
		inConfig('2026-07-01', '2026-13-41'),
		'the compatibility date 2026-13-41 is not a day that has passed',
	],
	'no address': [
		added('"workers_dev": false,'),
		'wrangler.jsonc:14 "workers_dev" is false and there are no "routes": the Worker has no address',
	],
	'a route that misses the endpoint': [
		added('"dev": { "host": "localhost" },\n"routes": ["example.com/api/*"],'),
		'wrangler.jsonc:15 no route covers the endpoint /mcp; found example.com/api/*',
	],
	'a custom domain with a path': [
		added(
			'"dev": { "host": "localhost" },\n"routes": [{ "pattern": "example.com/*", "custom_domain": true }],',
		),
		'a custom domain is a host; found example.com/*',
	],
	'a secret in plain text': [
		added('"vars": { "GITHUB_TOKEN": "ghp_0123456789" },'),
		'wrangler.jsonc:14 GITHUB_TOKEN is in "vars", in plain text',
	],
	'a key in the code': [
		change(ENTRY, '	info:', "	sessionKeys: ['Qq0h3m1nX7vKZr9sT2bLd5cJf8gWpYe4'],\n	info:"),
		'src/index.ts:19 a key is written in the code, in sessionKeys',
	],
	'a weak key of tokens': [
		(project) => project.write('.dev.vars', `${project.read('.dev.vars')}TMCP_AUTH_KEYS=short\n`),
		'.dev.vars:2 TMCP_AUTH_KEYS needs keys of at least 32 characters; found one of 5 characters',
	],
	'a binding of another name': [
		inConfig('"name": "TMCP_DURABLE_OBJECT"', '"name": "SYNC_LAYER"'),
		'wrangler.jsonc:9 DurableObjectSubscriptionManager (src/index.ts:18) needs the binding TMCP_DURABLE_OBJECT: it must be a Durable Object namespace; found SYNC_LAYER',
	],
	'a class that is exported as a type': [
		change(ENTRY, 'export { SyncLayer }', 'export type { SyncLayer }'),
		'src/index.ts:9 src/index.ts exports the class SyncLayer as a type only',
	],
	'a class that was renamed': [
		(project) => {
			project.replace(CONFIG, '"class_name": "SyncLayer"', '"class_name": "Streams"');
			project.replace(ENTRY, 'export { SyncLayer }', 'export { SyncLayer as Streams }');
		},
		'"renamed_classes":[{"from":"SyncLayer","to":"Streams"}]',
	],
	'a class that two migrations create': [
		inConfig(`${OBJECTS} }`, `${OBJECTS} }, { "tag": "v2", ${OBJECTS} }`),
		'two migrations create the class SyncLayer',
	],
	'a secret that wrangler ignores': [
		(project) => {
			change(
				ENTRY,
				'const server',
				'export const token = (env: Env) => env.TOKEN;\nconst server',
			)(project);
			project.write('.dev.vars', `${project.read('.dev.vars')}TOKEN=abc\n`);
		},
		'it is undefined in the Worker; wrangler ignores its line in .dev.vars',
	],
	'hosts without that of a route': [
		(project) => {
			change(ENTRY, '	info:', "	allowedHosts: ['mcp.example.com'],\n	info:")(project);
			added('"dev": { "host": "localhost" },\n"routes": ["https://mcp.example.org/*"],')(project);
		},
		'wrangler.jsonc:15 allowedHosts does not name mcp.example.org, the host of a route',
	],
	'a principal that is not verified': [
		change(
			ENTRY,
			'	info:',
			"	principal: (request) => request.headers.get('Authorization') ?? null,\n	info:",
		),
		'src/index.ts:19 principal returns the header Authorization as it is',
	],
	'authorization without a principal': [
		change(ENTRY, '	info:', '	oauth: helper,\n	info:'),
		'src/index.ts:16 createMcpHandler has oauth and no principal',
	],
	'a tool of tasks that the server does not have': [
		declaring('@tmcp-sessions/tasks', (project) => {
			const tasks = 'new InMemoryTasks({ tools: { sendReport: {} } })';
			const tool = "server.tool({ name: 'send_report', description: '' }, () => undefined);";
			const imported = "import { InMemoryTasks } from '@tmcp-sessions/tasks';";
			change(ENTRY, '	info:', `	tasks: ${tasks},\n	info:`)(project);
			change(ENTRY, 'export default', `${tool}\nexport default`)(project);
			change(ENTRY, INFO, `${INFO}\n${imported}`)(project);
		}),
		'tasks name the tool sendReport, which the server does not have',
	],
	'state in another manager than info': [
		declaring('@tmcp-sessions/state', (project) => {
			const state = "export const drafts = sessionState(new KVInfoSessionManager('DRAFTS'), {});";
			const imported = "import { sessionState } from '@tmcp-sessions/state';";
			change(ENTRY, 'const server', `${state}\nconst server`)(project);
			change(ENTRY, INFO, `${INFO}\n${imported}`)(project);
		}),
		'sessionState gets KVInfoSessionManager of DRAFTS, and the handler has KVInfoSessionManager as info',
	],
	'a range of wrangler that is too old': [
		change('package.json', '"dependencies":{', '"dependencies":{"wrangler":"^3.90.0",'),
		'package.json:1 wrangler ^3.90.0 is older than 4',
	],
	'a key in the file that wrangler ignores': [
		(project) => {
			project.write('.env', project.read('.dev.vars'));
			project.write('.dev.vars', 'OTHER=1\n');
		},
		'TMCP_SESSION_KEYS is in .env, which wrangler ignores beside .dev.vars',
	],
	'a variable that one environment lacks': [
		(project) => {
			project.replace(
				ENTRY,
				'const server',
				"import { env } from 'cloudflare:workers';\nconsole.log(env.GREETING);\nconst server",
			);
			added(
				'"vars": { "GREETING": "Hi" },\n"env": { "production": { "kv_namespaces": [{ "binding": "TMCP_SESSION_INFO" }], "durable_objects": { "bindings": [{ "name": "TMCP_DURABLE_OBJECT", "class_name": "SyncLayer" }] }, "secrets": { "required": ["TMCP_SESSION_KEYS"] } } },',
			)(project);
		},
		'wrangler.jsonc:15 the code reads GREETING, which wrangler.jsonc does not declare in the environment production',
	],
	'a secret that the second environment lacks': [
		(project) => {
			project.replace(
				ENTRY,
				'const server',
				"import { env } from 'cloudflare:workers';\nconsole.log(env);\nexport const accounts = (env: { ACCOUNTS: string }) => env.ACCOUNTS;\nconst server",
			);
			const environment = (secrets: string): string =>
				`{ "kv_namespaces": [{ "binding": "TMCP_SESSION_INFO" }], "durable_objects": { "bindings": [{ "name": "TMCP_DURABLE_OBJECT", "class_name": "SyncLayer" }] }, "secrets": { "required": ["TMCP_SESSION_KEYS"${secrets}] } }`;
			added(
				`"env": {\n"a": ${environment(', "ACCOUNTS"')},\n"b": ${environment('')},\n"c": ${environment('')} },`,
			)(project);
			project.replace(CONFIG, '["TMCP_SESSION_KEYS"]', '["TMCP_SESSION_KEYS", "ACCOUNTS"]');
		},
		'wrangler.jsonc:17 the code reads ACCOUNTS, which wrangler.jsonc does not declare in the environment c',
	],
	'an OAuth provider without its namespace': [
		declaring(
			'@cloudflare/workers-oauth-provider',
			change(
				ENTRY,
				'const server',
				"import { OAuthProvider } from '@cloudflare/workers-oauth-provider';\nexport const provider = new OAuthProvider({});\nconst server",
			),
		),
		'OAuthProvider reads OAUTH_KV, which wrangler.jsonc does not declare',
	],
	'no bucket for large results': [
		all(
			importing('DurableObjectTasks', '@tmcp-sessions/tasks-durable-object'),
			withOptions("tasks: new DurableObjectTasks({ tools: {}, resultBucket: 'RESULTS' })"),
		),
		'needs the binding RESULTS: it must be an R2 bucket; found none',
	],
};

const correct: Readonly<Record<string, Change>> = {
	'a handler in a function that stores it': creating(
		'let mcp; export default { fetch: (r: Request) => (mcp ??= create()).fetch(r) };',
	),
	'a handler in a function that stores it by host': creating(
		'const byHost = new Map(); export default { fetch: (r: Request) => byHost.set("a", create()).get("a").fetch(r) };',
	),
	'a handler in a function that no request calls': creating(
		'const mcp = create(); export default { fetch: (r: Request) => mcp.fetch(r) };',
	),
	'a route that covers the endpoint': added(
		'"dev": { "host": "localhost" },\n"routes": ["*.example.com/mcp*"],',
	),
	'a Worker behind a service binding': added('"workers_dev": false,\n"preview_urls": false,'),
	'an import of Node.js without its prefix': before(
		"import { env } from 'process';\nconsole.log(env);",
	),
	'variables with brackets': added(
		'"vars": { "LIST": "[1]", "HINT": "<name>", "TOKEN_URL": "https://example.com" },',
	),
	'a key in .env': (project) => {
		project.write('.env', project.read('.dev.vars'));
		project.remove('.dev.vars');
		project.write('.gitignore', '.env\n');
	},
};

describe('doctor, on mistakes of beginners', () => {
	testMistakes(mistakes, correct);

	it('indents what --fix adds as the file is indented', async () => {
		using project = new WorkerProject(workerFiles);
		project.replace(CONFIG, '  "kv_namespaces": [{ "binding": "TMCP_SESSION_INFO" }],\n', '');
		await run(['doctor', project.folder, '--fix']);
		expect(project.read(CONFIG)).toContain('\n  "kv_namespaces": [\n    {\n');
	});

	it('does not fix what may be a renamed class, another name of a binding, or a type', async () => {
		for (const title of [
			'a binding of another name',
			'a class that is exported as a type',
			'a class that was renamed',
		]) {
			using project = new WorkerProject(workerFiles);
			mistakes[title]?.[0](project);
			const before = [CONFIG, ENTRY].map((path) => project.read(path));
			await run(['doctor', project.folder, '--fix']);
			expect([CONFIG, ENTRY].map((path) => project.read(path))).toEqual(before);
		}
	});

	it('knows the packages of the repository', () => {
		const folder = fileURLToPath(new URL('../..', import.meta.url));
		const names = readdirSync(folder).filter((name) => !name.startsWith('create-'));
		expect(PACKAGES).toEqual(names.toSorted());
	});

	it.each([
		[
			'{\n  "name": "a",\n}\n',
			'package.json:2: invalid JSON (a comma before the end of an object or list)',
		],
		['{\n  // mine\n  "name": "a"\n}\n', 'package.json:2: invalid JSON (InvalidCommentToken)'],
		['{\n  "name": "a"\n  "type": "module"\n}\n', 'package.json:3: invalid JSON (CommaExpected)'],
		['[]', 'package.json:1: must be an object'],
	])('rejects the package.json %j, as init does', async (text, message) => {
		using project = new WorkerProject({ ...workerFiles, 'package.json': text });
		for (const command of [
			['doctor', '.'],
			['init', '.', '--yes', '--overwrite'],
		]) {
			const { exitCode, stderr } = await run(command, { folder: project.folder });
			expect({ exitCode, stderr }).toEqual({
				exitCode: 2,
				stderr: expect.stringContaining(message),
			});
			expect(project.read('package.json')).toBe(text);
		}
	});
});
