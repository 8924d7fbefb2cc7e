import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { run } from './terminal.ts';
import { WorkerProject } from './worker-project.ts';

/** A wrong turn that a document of the repository describes, planted in a project that `init` wrote. */
interface Mistake {
	/** The page, and words of it. */
	readonly source: readonly [page: string, words: string];
	/** Options of `init`. */
	readonly project?: readonly string[];
	readonly plant: (project: WorkerProject) => void;
	/** A text that the report must contain. */
	readonly found: string;
}

const CONFIG = 'wrangler.jsonc';
const ENTRY = 'src/index.ts';
const KV = 'packages/info-kv/README.md';
const STREAMS = 'packages/streams-durable-object/README.md';
const HTTP = 'packages/http/README.md';
const OBJECT = 'packages/session-object/README.md';
const SHARDS = 'packages/info-durable-object/README.md';
const AUTHENTICATION = 'docs/authentication.md';
const OPERATIONS = 'docs/operations.md';

type Config = Record<string, unknown>;

const inConfig =
	(change: (config: Config) => Config): Mistake['plant'] =>
	(project) =>
		project.write(CONFIG, JSON.stringify(change(JSON.parse(project.read(CONFIG))), undefined, 2));
const without = (field: string): Mistake['plant'] =>
	inConfig((config) => ({ ...config, [field]: undefined }));
const replaced =
	(path: string, text: string, other: string): Mistake['plant'] =>
	(project) =>
		project.replace(path, text, other);
const installed =
	(name: string, version: string): Mistake['plant'] =>
	(project) => {
		project.write(
			'node_modules/@tmcp-sessions/http/package.json',
			JSON.stringify({ version: '0.1.0', peerDependencies: { [name]: '^1.20.0' } }),
		);
		project.write(`node_modules/${name}/package.json`, JSON.stringify({ version }));
	};
const variables =
	(text: string): Mistake['plant'] =>
	(project) =>
		project.write('.dev.vars', text);

const mistakes: Readonly<Record<string, Mistake>> = {
	'the KV namespace is missing': {
		source: [KV, 'the binding is missing or is no KV namespace'],
		plant: without('kv_namespaces'),
		found: 'needs the binding TMCP_SESSION_INFO',
	},
	'a bucket has the name of the KV namespace': {
		source: [KV, 'the binding is missing or is no KV namespace'],
		plant: inConfig((config) => ({
			...config,
			kv_namespaces: undefined,
			r2_buckets: [{ binding: 'TMCP_SESSION_INFO', bucket_name: 'sessions' }],
		})),
		found: 'found an R2 bucket',
	},
	'the objects of streams are not bound': {
		source: [STREAMS, 'the binding is missing, or binds something else'],
		plant: without('durable_objects'),
		found: 'needs the binding TMCP_DURABLE_OBJECT',
	},
	'the objects of streams have no SQLite': {
		source: [STREAMS, 'the class was created with `new_classes`'],
		plant: replaced(CONFIG, 'new_sqlite_classes', 'new_classes'),
		found: 'the class SyncLayer has no SQLite storage',
	},
	'the compatibility date is too old for shards': {
		source: [STREAMS, 'see the compatibility date above'],
		plant: replaced(CONFIG, '2026-07-01', '2025-01-01'),
		found: 'the compatibility date 2025-01-01 is older than',
	},
	'the shards of sessions are not bound': {
		source: [SHARDS, 'the binding is missing, or binds something else'],
		project: ['--sessions=durable-object'],
		plant: inConfig((config) => ({
			...config,
			durable_objects: { bindings: [{ name: 'TMCP_DURABLE_OBJECT', class_name: 'SyncLayer' }] },
		})),
		found: 'needs the binding TMCP_SESSION_SHARD',
	},
	'the binding of the shards names the class of streams': {
		source: [SHARDS, 'the binding is missing, or binds something else'],
		project: ['--sessions=durable-object'],
		plant: replaced(CONFIG, '"class_name": "SessionShard"', '"class_name": "SyncLayer"'),
		found: 'TMCP_SESSION_SHARD must be a namespace of SessionShard; found one of SyncLayer',
	},
	'there is no session key': {
		source: [HTTP, 'there is no key: sessions end when the server reloads'],
		plant: variables(''),
		found: 'TMCP_SESSION_KEYS is not set',
	},
	'the key repeats itself': {
		source: [OPERATIONS, 'a key that repeats itself, is a sequence or is an example'],
		plant: variables(`TMCP_SESSION_KEYS=${'abcd'.repeat(10)}`),
		found: 'TMCP_SESSION_KEYS needs keys of',
	},
	'an older tmcp is installed': {
		source: [HTTP, 'an older `tmcp` or transport is installed'],
		plant: installed('tmcp', '1.19.4'),
		found: 'needs tmcp ^1.20.0; found 1.19.4',
	},
	'an older transport is installed': {
		source: [HTTP, 'an older `tmcp` or transport is installed'],
		plant: installed('@tmcp/transport-http', '0.8.5'),
		found: 'needs @tmcp/transport-http',
	},
	'the handler is created in each request': {
		source: [HTTP, 'check that the handler is created once and not in each request'],
		plant: (project) => {
			project.replace(
				ENTRY,
				'export default createMcpHandler',
				'const create = () => createMcpHandler',
			);
			project.write(
				ENTRY,
				`${project.read(ENTRY)}export default { fetch: (request: Request) => create().fetch(request) };\n`,
			);
		},
		found: 'src/index.ts:12 createMcpHandler is called in each request',
	},
	'the handler has no info': {
		source: [HTTP, '`info` is not set: there are no sessions'],
		plant: replaced(ENTRY, '	info: new KVInfoSessionManager(),\n', ''),
		found: 'the handler has streams and no info',
	},
	'streams are in memory': {
		source: [HTTP, '`streams` is in memory and another isolate holds the stream'],
		plant: (project) => {
			const entry = project.read(ENTRY);
			project.write(
				ENTRY,
				`import { InMemoryStreamSessionManager } from '@tmcp/session-manager';\n${entry.replace(
					'new DurableObjectStreamSessionManager()',
					'new InMemoryStreamSessionManager()',
				)}`,
			);
			project.replace(
				'package.json',
				'"dependencies": {',
				'"dependencies": { "@tmcp/session-manager": "*",',
			);
		},
		found: 'in the memory of one isolate',
	},
	'the object of a session is not bound': {
		source: [
			OBJECT,
			'add the lines that it contains to `wrangler.jsonc`, with the name of your class',
		],
		project: ['--sessions=session-object'],
		plant: without('durable_objects'),
		found: 'needs the binding SESSIONS',
	},
	'the router names another binding': {
		source: [
			OBJECT,
			'add the lines that it contains to `wrangler.jsonc`, with the name of your class',
		],
		project: ['--sessions=session-object'],
		plant: replaced(ENTRY, "object: 'SESSIONS'", "object: 'NOTES'"),
		found: 'needs the binding NOTES',
	},
	'the key of tokens is missing': {
		source: [OBJECT, '`session.auth` needs a key'],
		project: ['--sessions=session-object'],
		plant: (project) => {
			project.replace(
				ENTRY,
				'	createServer() {',
				"	token(session: { auth: { get(service: string): unknown } }) {\n		return session.auth.get('github');\n	}\n\n	createServer() {",
			);
		},
		found: 'TMCP_AUTH_KEYS',
	},
	'the class is not exported': {
		source: [OPERATIONS, 'Export every class that you use'],
		plant: replaced(
			ENTRY,
			"export { SyncLayer } from '@tmcp-sessions/streams-durable-object';\n",
			'',
		),
		found: 'does not export the class SyncLayer',
	},
	'no migration names the class': {
		source: [OPERATIONS, 'list it in `new_sqlite_classes`'],
		plant: without('migrations'),
		found: 'no migration creates the class SyncLayer',
	},
	'the flag for modules of Node.js is missing': {
		source: ['docs/choosing.md', '"compatibility_flags": ["nodejs_compat"]'],
		plant: without('compatibility_flags'),
		found: '"compatibility_flags" must include nodejs_compat',
	},
	'a route replaces the host in development': {
		source: [OPERATIONS, 'replaces `localhost` by the host of the first route'],
		plant: inConfig((config) => ({
			...config,
			routes: [{ pattern: 'mcp.example.com', custom_domain: true }],
		})),
		found: 'wrangler dev replaces localhost by the host of the route mcp.example.com',
	},
	'the tokens are not declared as a secret': {
		source: [AUTHENTICATION, 'wrangler ignores lines of `.dev.vars` that are not declared'],
		project: ['--auth=bearer'],
		plant: inConfig((config) => ({ ...config, secrets: { required: ['TMCP_SESSION_KEYS'] } })),
		found: 'MCP_TOKENS',
	},
	'the key of sealed ids is not a secret of the Worker': {
		source: ['packages/info-sealed/README.md', 'the variable is missing or too weak'],
		project: ['--sessions=sealed'],
		plant: replaced(ENTRY, 'env.TMCP_SESSION_KEYS', 'env.SEALING_KEY'),
		found: 'SEALING_KEY',
	},
	'the objects of tasks are not bound': {
		source: ['docs/choosing.md', '`TMCP_TASK_OBJECT`: `TaskObject`'],
		project: ['--tasks'],
		plant: inConfig((config) => ({
			...config,
			durable_objects: { bindings: [{ name: 'TMCP_DURABLE_OBJECT', class_name: 'SyncLayer' }] },
		})),
		found: 'needs the binding TMCP_TASK_OBJECT',
	},
	'the variables of Upstash are missing': {
		source: ['docs/choosing.md', '`UPSTASH_REDIS_REST_URL` and `UPSTASH_REDIS_REST_TOKEN`'],
		plant: (project) => {
			const entry = project.read(ENTRY);
			project.write(
				ENTRY,
				entry
					.replace('new KVInfoSessionManager()', 'UpstashInfoSessionManager.fromEnv()')
					.replace('{ KVInfoSessionManager }', '{ UpstashInfoSessionManager }')
					.replace('info-kv', 'info-upstash'),
			);
			project.replace(
				'package.json',
				'"dependencies": {',
				'"dependencies": { "@tmcp-sessions/info-upstash": "*",',
			);
		},
		found: 'UPSTASH_REDIS_REST_URL',
	},
};

describe('doctor, on the wrong turns that the documents describe', () => {
	it('has 25 of them, in the words of the documents', () => {
		expect(Object.keys(mistakes)).toHaveLength(25);
		for (const { source } of Object.values(mistakes)) {
			const [page, words] = source;
			const path = fileURLToPath(new URL(`../../../${page}`, import.meta.url));
			expect(readFileSync(path, 'utf8')).toContain(words);
		}
	});

	it.each(Object.entries(mistakes))('reports that %s', async (_, mistake) => {
		using project = new WorkerProject({});
		const { folder } = project;
		await run(['init', '.', '--name=notes', '--yes', ...(mistake.project ?? [])], { folder });
		const before = await run(['doctor', folder]);
		expect(before.stdout).toBe('No problems found\n');
		mistake.plant(project);
		const { stdout } = await run(['doctor', folder]);
		expect(stdout).toContain(mistake.found);
	});
});
