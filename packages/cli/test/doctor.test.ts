import { globSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { run } from './terminal.ts';
import { workerFiles, WorkerProject } from './worker-project.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const configs = globSync('examples/*/wrangler*.jsonc', { cwd: repository }).toSorted();
const CONFIG = 'wrangler.jsonc';
const ENTRY = 'src/index.ts';

type Mistake = (project: WorkerProject) => void;

const inConfig =
	(text: string, other: string): Mistake =>
	(project) =>
		project.replace(CONFIG, text, other);
const inEntry =
	(text: string, other: string): Mistake =>
	(project) =>
		project.replace(ENTRY, text, other);

const NAMESPACE = '"kv_namespaces": [{ "binding": "TMCP_SESSION_INFO" }],';
const OBJECT = '{ "name": "TMCP_DURABLE_OBJECT", "class_name": "SyncLayer" }';
const EXPORT = "export { SyncLayer } from '@tmcp-sessions/streams-durable-object';";
const MIGRATIONS = '"migrations": [{ "tag": "v1", "new_sqlite_classes": ["SyncLayer"] }],';
const SUBCLASS =
	"import { SyncLayer } from '@tmcp-sessions/streams-durable-object';\nexport class Streams extends SyncLayer {}";
const FLAGS = '"compatibility_flags": ["nodejs_compat"],';
const SECRETS = '"secrets": { "required": ["TMCP_SESSION_KEYS"] },';

const constantObject =
	(assertion: string): Mistake =>
	(project) => {
		project.write(
			'src/bindings.ts',
			`export const BINDINGS = { sessions: 'SESSIONS_KV' }${assertion};\n`,
		);
		project.replace(
			ENTRY,
			'new KVInfoSessionManager()',
			'new KVInfoSessionManager(BINDINGS.sessions)',
		);
		project.replace(
			ENTRY,
			"from 'tmcp';",
			"from 'tmcp';\nimport { BINDINGS } from './bindings.ts';",
		);
	};
/** Stores metadata in Durable Objects. */
const withShards: Mistake = (project) => {
	project.write(
		ENTRY,
		project
			.read(ENTRY)
			.replaceAll('KVInfoSessionManager', 'DurableObjectInfoSessionManager')
			.replace('info-kv', 'info-durable-object'),
	);
	project.replace(
		ENTRY,
		EXPORT,
		`${EXPORT}\nexport { SessionShard } from '@tmcp-sessions/info-durable-object';`,
	);
	project.replace('package.json', '/info-kv', '/info-durable-object');
	project.replace(
		CONFIG,
		OBJECT,
		`${OBJECT},\n{ "name": "TMCP_SESSION_SHARD", "class_name": "SessionShard" }`,
	);
	project.replace(
		CONFIG,
		'"new_sqlite_classes": ["SyncLayer"',
		'"new_sqlite_classes": ["SyncLayer", "SessionShard"',
	);
	project.replace(CONFIG, NAMESPACE, '');
};

/** By title, a mistake, and the file, line and text that must be reported. */
const mistakes: Readonly<Record<string, readonly [Mistake, string]>> = {
	'no KV namespace': [
		inConfig(NAMESPACE, ''),
		'wrangler.jsonc:1 KVInfoSessionManager (src/index.ts:19) needs the binding TMCP_SESSION_INFO: it must be a Workers KV namespace; found none',
	],
	'another name of the namespace': [
		inConfig('"TMCP_SESSION_INFO"', '"SESSION_INFO"'),
		'needs the binding TMCP_SESSION_INFO',
	],
	'another name in the code': [
		inEntry('new KVInfoSessionManager()', "new KVInfoSessionManager('SESSIONS')"),
		'needs the binding SESSIONS',
	],
	'a bucket in place of a namespace': [
		inConfig(NAMESPACE, '"r2_buckets": [{ "binding": "TMCP_SESSION_INFO", "bucket_name": "b" }],'),
		'wrangler.jsonc:12 KVInfoSessionManager (src/index.ts:19) needs the binding TMCP_SESSION_INFO: it must be a Workers KV namespace; found an R2 bucket',
	],
	'a variable in place of a namespace': [
		inConfig(NAMESPACE, '"vars": { "TMCP_SESSION_INFO": "x" },'),
		'found a variable',
	],
	'no Durable Object binding': [
		inConfig(OBJECT, ''),
		'needs the binding TMCP_DURABLE_OBJECT: it must be a Durable Object namespace; found none',
	],
	'another class of the family': [
		(project) => {
			project.replace(CONFIG, '"class_name": "SyncLayer"', '"class_name": "SessionShard"');
			project.replace(ENTRY, EXPORT, `${EXPORT}\nexport class SessionShard {}`);
		},
		'TMCP_DURABLE_OBJECT must be a namespace of SyncLayer; found one of SessionShard',
	],
	'no export of the class': [
		inEntry(EXPORT, ''),
		'wrangler.jsonc:9 src/index.ts does not export the class SyncLayer',
	],
	'a misspelt class': [
		inConfig('"class_name": "SyncLayer"', '"class_name": "Synclayer"'),
		'does not export the class Synclayer',
	],
	'no migration': [
		inConfig(MIGRATIONS, ''),
		'wrangler.jsonc:9 no migration creates the class SyncLayer',
	],
	'a class without SQLite': [
		inConfig('new_sqlite_classes', 'new_classes'),
		'wrangler.jsonc:11 the class SyncLayer has no SQLite storage',
	],
	'a deleted class': [
		inConfig(
			'["SyncLayer"] }],',
			'["SyncLayer"] }, { "tag": "v2", "deleted_classes": ["SyncLayer"] }],',
		),
		'the class SyncLayer is deleted by a migration',
	],
	'the name of a binding in an object of another module': [
		constantObject(''),
		'wrangler.jsonc:12 KVInfoSessionManager (src/index.ts:20) needs the binding SESSIONS_KV',
	],
	'the name of a binding in a frozen object': [
		(project) => {
			constantObject(' as const')(project);
			project.replace('src/bindings.ts', '= {', '= Object.freeze({');
			project.replace('src/bindings.ts', '} as const;', '});');
			project.replace(ENTRY, 'BINDINGS.sessions', "BINDINGS['sessions']");
		},
		'wrangler.jsonc:12 KVInfoSessionManager (src/index.ts:20) needs the binding SESSIONS_KV',
	],
	'the binding itself, of another name': [
		inEntry('new KVInfoSessionManager()', 'new KVInfoSessionManager(env.SESSIONS_KV)'),
		'needs the binding SESSIONS_KV',
	],
	'a name of a binding that the code computes': [
		inEntry('new KVInfoSessionManager()', 'new KVInfoSessionManager(globalThis.sessions)'),
		'warning src/index.ts:19 the binding of KVInfoSessionManager (src/index.ts:19) could not be compared',
	],
	'classes of two bindings that are swapped': [
		(project) => {
			withShards(project);
			project.replace(CONFIG, '"class_name": "SyncLayer"', '"class_name": "X"');
			project.replace(CONFIG, '"class_name": "SessionShard"', '"class_name": "SyncLayer"');
			project.replace(CONFIG, '"class_name": "X"', '"class_name": "SessionShard"');
		},
		`set "class_name": "SyncLayer" here, and "class_name": "SessionShard" in line 10, at the binding TMCP_SESSION_SHARD: the two are swapped`,
	],
	'a field of the top level in another one': [
		(project) => {
			project.replace(CONFIG, '"compatibility_date": "2026-07-01",', '');
			project.replace(
				CONFIG,
				SECRETS,
				`"observability": {\n"enabled": true,\n"compatibility_date": "2026-07-01" },`,
			);
		},
		'wrangler.jsonc:15 "compatibility_date" is a field of the top level; found it in "observability", where wrangler ignores it',
	],
	'a field of an environment in another one': [
		inConfig(
			SECRETS,
			`${SECRETS}\n"env": { "staging": { "limits": { "compatibility_flags": ["nodejs_compat"] } } },`,
		),
		'"compatibility_flags" is a field of "env.staging"; found it in "limits"',
	],
	'a class that exports declare as deleted': [
		inConfig(
			MIGRATIONS,
			'"exports": { "SyncLayer": { "type": "durable-object", "state": "deleted" } },',
		),
		'wrangler.jsonc:11 the class SyncLayer is deleted according to "exports", and a binding names it',
	],
	'a class that extends one of the family, without SQLite': [
		(project) => {
			project.replace(ENTRY, EXPORT, SUBCLASS);
			project.replace(CONFIG, '"class_name": "SyncLayer"', '"class_name": "Streams"');
			project.replace(CONFIG, 'new_sqlite_classes": ["SyncLayer"]', 'new_classes": ["Streams"]');
		},
		'wrangler.jsonc:11 the class Streams has no SQLite storage',
	],
	'an export of another name, without SQLite': [
		(project) => {
			project.replace(ENTRY, 'export { SyncLayer }', 'export { SyncLayer as Streams }');
			project.replace(CONFIG, '"class_name": "SyncLayer"', '"class_name": "Streams"');
			project.replace(CONFIG, 'new_sqlite_classes": ["SyncLayer"]', 'new_classes": ["Streams"]');
		},
		'wrangler.jsonc:11 the class Streams has no SQLite storage',
	],
	'two migrations with one tag': [
		inConfig('["SyncLayer"] }],', '["SyncLayer"] }, { "tag": "v1" }],'),
		'two migrations have the tag v1',
	],
	'a migration without a tag': [inConfig('"tag": "v1", ', ''), 'a migration has no tag'],
	'both ways to declare classes': [
		inConfig(
			SECRETS,
			`${SECRETS}\n"exports": { "SyncLayer": { "type": "durable-object", "storage": "sqlite" } }`,
		),
		'classes are declared in "migrations" and in "exports"',
	],
	'no compatibility date': [
		inConfig('"compatibility_date": "2026-07-01",', ''),
		'"compatibility_date" must be a date; found none',
	],
	'an old compatibility date': [
		inConfig('2026-07-01', '2023-01-01'),
		'wrangler.jsonc:4 the compatibility date 2023-01-01 is older than 2024-09-23',
	],
	'no flag': [inConfig(FLAGS, ''), '"compatibility_flags" must include nodejs_compat; found none'],
	'another flag': [
		inConfig('"nodejs_compat"', '"nodejs_als"'),
		'wrangler.jsonc:5 "compatibility_flags" must include nodejs_compat; found nodejs_als',
	],
	'a route without a host for development': [
		inConfig(
			SECRETS,
			`${SECRETS}\n"routes": [{ "pattern": "mcp.example.com", "custom_domain": true }],`,
		),
		'wrangler dev replaces localhost by the host of the route mcp.example.com',
	],
	'a key in plain text': [
		inConfig(SECRETS, `${SECRETS}\n"vars": { "TMCP_SESSION_KEYS": "x" },`),
		'TMCP_SESSION_KEYS is in "vars"',
	],
	'secrets without the key': [
		inConfig('["TMCP_SESSION_KEYS"]', '["API_TOKEN"]'),
		'"secrets.required" does not name TMCP_SESSION_KEYS: wrangler dev then ignores it',
	],
	'no required secrets': [
		inConfig(SECRETS, ''),
		'"secrets.required" does not name TMCP_SESSION_KEYS',
	],
	'a weak key': [
		(project) => project.write('.dev.vars', '# Keys\nTMCP_SESSION_KEYS=hunter2\n'),
		'.dev.vars:2 TMCP_SESSION_KEYS needs keys of at least 32 characters; found one of 7 characters',
	],
	'no key for development': [
		(project) => project.remove('.dev.vars'),
		'.dev.vars:1 TMCP_SESSION_KEYS is not set, and no .dev.vars.example names it',
	],
	'secrets in git': [
		(project) => project.write('.gitignore', 'node_modules\n'),
		'.gitignore:1 git does not ignore .dev.vars',
	],
	'an environment without bindings': [
		inConfig(SECRETS, `${SECRETS}\n"env": { "staging": { "name": "notes-staging" } },`),
		'needs the binding TMCP_SESSION_INFO in the environment staging: it must be a Workers KV namespace; found none',
	],
	'no info': [
		inEntry('	info: new KVInfoSessionManager(),\n', ''),
		'src/index.ts:16 the handler has streams and no info',
	],
	'no streams': [
		inEntry('	streams: new DurableObjectStreamSessionManager(),\n', ''),
		'the handler has info and no streams',
	],
	'no streams of a server of the official SDK': [
		(project) => {
			project.replace(ENTRY, '	streams: new DurableObjectStreamSessionManager(),\n', '');
			project.write(ENTRY, project.read(ENTRY).replaceAll('createMcpHandler', 'createSdkHandler'));
		},
		'src/index.ts:16 the handler has info and no streams',
	],
	'no subscriptions': [
		inEntry('	subscriptions: new DurableObjectSubscriptionManager(),\n', ''),
		'the handler has streams and no subscriptions',
	],
	'no default export': [
		inEntry('export default createMcpHandler', 'createMcpHandler'),
		'src/index.ts has no default export',
	],
	'a syntax error': [
		inEntry('const server =', 'const server'),
		'src/index.ts:11 the entry does not bundle: ',
	],
	'a file that is missing': [
		inEntry("from 'tmcp';", "from 'tmcp';\nimport './tools.ts';"),
		'the entry does not bundle: Could not resolve "./tools.ts"',
	],
	'another entry': [
		inConfig('src/index.ts', 'src/main.ts'),
		'the entry src/main.ts does not exist',
	],
	'no entry': [inConfig('"main": "src/index.ts",', ''), '"main" must name the entry'],
	'a package that is no dependency': [
		(project) => project.replace('package.json', '"@tmcp-sessions/info-kv":"*",', ''),
		'src/index.ts:2 @tmcp-sessions/info-kv is imported but is not a dependency of package.json',
	],
	'a peer that is too old': [
		(project) => project.write('node_modules/tmcp/package.json', '{ "version": "1.19.0" }'),
		'package.json:1 @tmcp-sessions/http needs tmcp ^1.20.0; found 1.19.0',
	],
};

const OBJECTS_AND_KV = `"durable_objects": { "bindings": [${OBJECT}] }, ${NAMESPACE}`;

/** What resembles a mistake and is correct. */
const correct: Readonly<Record<string, Mistake>> = {
	'a class of the user that has no SQLite': (project) => {
		project.replace(CONFIG, OBJECT, `${OBJECT}, { "name": "COUNTER", "class_name": "Counter" }`);
		project.replace(
			CONFIG,
			'"migrations": [',
			'"migrations": [{ "tag": "v0", "new_classes": ["Counter"] }, ',
		);
		project.replace(
			ENTRY,
			EXPORT,
			`${EXPORT}\nimport { DurableObject } from 'cloudflare:workers';\nexport class Counter extends DurableObject {}`,
		);
	},
	'the name of a binding in an object of another module': (project) => {
		constantObject(' as const')(project);
		project.replace(CONFIG, '"TMCP_SESSION_INFO"', '"SESSIONS_KV"');
	},
	'two bindings of Durable Objects': withShards,
	'fields of the top level in an environment and as variables': inConfig(
		SECRETS,
		`${SECRETS}
"vars": { "main": "x" },
"env": { "staging": { "compatibility_flags": ["nodejs_compat"], ${OBJECTS_AND_KV} ${SECRETS} "vars": { "main": "x" } } },`,
	),
	'a class that was deleted, in exports': inConfig(
		MIGRATIONS,
		`"exports": {
	"SyncLayer": { "type": "durable-object", "storage": "sqlite" },
	"OldAgent": { "type": "durable-object", "state": "deleted" },
	"OldStreams": { "type": "durable-object", "state": "renamed", "renamed_to": "SyncLayer" },
},`,
	),
	'a checkout without .dev.vars, with .dev.vars.example': (project) => {
		project.remove('.dev.vars');
		project.write('.dev.vars.example', 'TMCP_SESSION_KEYS=\n');
	},
};

describe('doctor', () => {
	it('reports nothing on a correct Worker', async () => {
		using project = new WorkerProject(workerFiles);
		const { exitCode, stdout } = await run(['doctor', project.folder]);
		expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'No problems found\n' });
	});

	it('reports nothing on a server without streams that sends no messages', async () => {
		using project = new WorkerProject(workerFiles);
		project.replace(ENTRY, '	streams: new DurableObjectStreamSessionManager(),\n', '');
		project.replace(ENTRY, '	subscriptions: new DurableObjectSubscriptionManager(),\n', '');
		project.replace(ENTRY, '{ listChanged: true }', '{}');
		const { stdout } = await run(['doctor', project.folder]);
		expect(stdout).toBe('No problems found\n');
	});

	it.each(configs)('reports nothing on %s', async (config) => {
		const folder = join(repository, dirname(config));
		const { exitCode, stdout } = await run(['doctor', folder, `--config=${basename(config)}`]);
		expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'No problems found\n' });
	});

	it.each(Object.entries(mistakes))('reports %s', async (_, [mistake, message]) => {
		using project = new WorkerProject(workerFiles);
		mistake(project);
		const { stdout } = await run(['doctor', project.folder]);
		expect(stdout).toContain(message);
		expect(stdout).toContain('    fix: ');
	});

	it.each(Object.entries(correct))('accepts %s', async (_, plant) => {
		using project = new WorkerProject(workerFiles);
		plant(project);
		const { stdout } = await run(['doctor', project.folder]);
		expect(stdout).toBe('No problems found\n');
	});

	it('repairs with --fix what is safe, and keeps comments', async () => {
		using project = new WorkerProject(workerFiles);
		for (const title of [
			'no KV namespace',
			'no Durable Object binding',
			'no migration',
			'no export of the class',
			'no flag',
			'no required secrets',
			'no key for development',
			'a route without a host for development',
		]) {
			if (title === 'a route without a host for development') {
				project.replace(
					CONFIG,
					'"name": "notes",',
					'"name": "notes",\n  "routes": ["mcp.example.com/*"],',
				);
			} else mistakes[title]?.[0](project);
		}
		const { exitCode, stdout } = await run(['doctor', project.folder, '--fix']);
		expect({ exitCode, stdout }).toEqual({
			exitCode: 0,
			stdout: expect.stringMatching(/^(?:fixed .+\n)+No problems found\n$/),
		});
		expect(project.read(CONFIG)).toContain('// Connects the streams of all isolates.');
		expect(project.read(ENTRY)).toContain(EXPORT);
		const again = await run(['doctor', project.folder]);
		expect(again.stdout).toBe('No problems found\n');
	});

	it('prints JSON with file, line and fix', async () => {
		using project = new WorkerProject(workerFiles);
		mistakes['no flag']?.[0](project);
		const { exitCode, stdout } = await run(['doctor', project.folder, '--json']);
		expect(exitCode).toBe(1);
		expect(JSON.parse(stdout).problems).toEqual([
			expect.objectContaining({
				file: CONFIG,
				line: 1,
				severity: 'error',
				fix: 'set "compatibility_flags": ["nodejs_compat"]',
			}),
		]);
	});

	it.each([
		[
			'invalid JSONC',
			{ [CONFIG]: '{\n  "name": "a"\n  "main": "b"\n}' },
			'wrangler.jsonc:3: invalid JSONC',
		],
		['an empty folder', { 'README.md': '' }, 'no wrangler.jsonc in '],
	])('rejects %s', async (_, files, message) => {
		using project = new WorkerProject(files);
		const { exitCode, stderr } = await run(['doctor', project.folder]);
		expect(exitCode).toBe(2);
		expect(stderr).toContain(message);
	});
});
