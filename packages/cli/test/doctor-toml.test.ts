import { describe, expect, it } from 'vitest';

import { run } from './terminal.ts';
import { workerFiles, WorkerProject } from './worker-project.ts';

const CONFIG = 'wrangler.toml';
const TOML = `name = "notes"
main = "src/index.ts" # the entry
compatibility_date = "2026-07-01"
compatibility_flags = ["nodejs_compat"]

[observability]
enabled = true

# Connects the streams of all isolates.
[[durable_objects.bindings]]
name = "TMCP_DURABLE_OBJECT"
class_name = "SyncLayer"

[[migrations]]
tag = "v1"
new_sqlite_classes = ["SyncLayer"]

[[kv_namespaces]]
binding = "TMCP_SESSION_INFO"

[secrets]
required = ["TMCP_SESSION_KEYS"]
`;
const FIELDS = `compatibility_date = "2026-07-01"\ncompatibility_flags = ["nodejs_compat"]\n`;
const NAMESPACE = '[[kv_namespaces]]\nbinding = "TMCP_SESSION_INFO"\n';
const MIGRATION = '[[migrations]]\ntag = "v1"\nnew_sqlite_classes = ["SyncLayer"]\n';
const PRODUCTION = `
[env.production]
name = "notes-production"
compatibility_flags = ["global_fetch_strictly_public"]

[[env.production.durable_objects.bindings]]
name = "TMCP_DURABLE_OBJECT"
class_name = "SyncLayer"

[[env.production.kv_namespaces]]
binding = "TMCP_SESSION_INFO"

[env.production.secrets]
required = ["TMCP_SESSION_KEYS"]
`;

function projectOf(toml: string): WorkerProject {
	const { 'wrangler.jsonc': _, ...files } = workerFiles;
	return new WorkerProject({ ...files, [CONFIG]: toml });
}

/** By title, a configuration, and what the report must have: each finding with its line, and the fix. */
const mistakes: Readonly<Record<string, readonly [toml: string, found: readonly string[]]>> = {
	'a missing binding': [
		TOML.replace(NAMESPACE, ''),
		[
			'error wrangler.toml:1 KVInfoSessionManager (src/index.ts:19) needs the binding TMCP_SESSION_INFO',
			'add to wrangler.toml:\n      [[kv_namespaces]]\n      binding = "TMCP_SESSION_INFO"\n',
		],
	],
	'a class with another case': [
		TOML.replaceAll('"SyncLayer"', '"Synclayer"'),
		[
			'error wrangler.toml:10 src/index.ts does not export the class Synclayer, which a binding names',
		],
	],
	'a class without SQLite': [
		TOML.replace('new_sqlite_classes', 'new_classes'),
		['error wrangler.toml:14 the class SyncLayer has no SQLite storage'],
	],
	'flags of an environment without nodejs_compat': [
		TOML + PRODUCTION,
		[
			'error wrangler.toml:26 "compatibility_flags" must include nodejs_compat; found global_fetch_strictly_public',
			'set in wrangler.toml:\n      [env.production]\n      compatibility_flags = [ "global_fetch_strictly_public", "nodejs_compat" ]\n',
		],
	],
	'fields below the header of a table': [
		TOML.replace(FIELDS, '').replace('enabled = true\n', `enabled = true\n${FIELDS}`),
		[
			'error wrangler.toml:6 "compatibility_date" is a field of the top level',
			'error wrangler.toml:7 "compatibility_flags" is a field of the top level',
			'fix: move it to the top level, above the head of the first table',
		],
	],
	'a missing migration': [
		TOML.replace(MIGRATION, ''),
		[
			'no migration creates the class SyncLayer',
			'add to wrangler.toml:\n      [[migrations]]\n      tag = "v1"\n      new_sqlite_classes = [ "SyncLayer" ]\n',
		],
	],
	'a missing secret': [
		TOML.replace('required = ["TMCP_SESSION_KEYS"]', 'required = ["OTHER"]'),
		[
			'wrangler.toml:22 ',
			'set in wrangler.toml:\n      [secrets]\n      required = [ "OTHER", "TMCP_SESSION_KEYS" ]\n',
		],
	],
	'no compatibility date': [
		TOML.replace('compatibility_date = "2026-07-01"\n', ''),
		[
			'error wrangler.toml:1 "compatibility_date" must be a date; found none',
			'set in wrangler.toml, above the first [table]:\n      compatibility_date = "2026-07-01"\n',
		],
	],
	'a field of an entry that wrangler does not know, below others': [
		TOML.replace('tag = "v1"\n', 'tag = "v1"\n"new_sqlite_clases" = []\n'),
		['error wrangler.toml:16 wrangler has no field "new_sqlite_clases" here'],
	],
	'a flag that does not exist, in a list of several lines': [
		TOML.replace(
			'["nodejs_compat"]',
			'[\n  # for [tmcp] = "x"\n  "nodejs_compat",\n  \'nodejs_comput\',\n]',
		),
		['wrangler.toml:7 there is no compatibility flag nodejs_comput'],
	],
	'a binding of an inline table with dotted keys, after strings of several lines': [
		TOML.replace(
			'[observability]',
			'vars.TEXT = """\n[[migrations]]\ntag = \\"""v0"""\n\n[observability]',
		)
			.replace(/\[\[durable_objects[^[]*/, '')
			.replace(
				'vars.TEXT',
				"vars.'A B' = '''\nname = ]'''\ndurable_objects.bindings = [{ name = \"TMCP_DURABLE_OBJECT\", class_name = \"Synclayer\" }]\nvars.TEXT",
			),
		['error wrangler.toml:8 src/index.ts does not export the class Synclayer'],
	],
};

describe('doctor with wrangler.toml', () => {
	it('reports nothing on a correct Worker', async () => {
		using project = projectOf(TOML);
		const { exitCode, stdout } = await run(['doctor', project.folder]);
		expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'No problems found\n' });
	});

	it.each(Object.entries(mistakes))('reports %s', async (_, [toml, found]) => {
		using project = projectOf(toml);
		const { exitCode, stdout } = await run(['doctor', project.folder]);
		for (const text of found) expect(stdout).toContain(text);
		expect(exitCode).toBe(1);
	});

	it('shows lines of TOML for a class that is neither bound nor created', async () => {
		using project = projectOf(TOML.replace(/\[\[durable_objects[^]*?(?=\[\[kv)/, ''));
		const { stdout } = await run(['doctor', project.folder]);
		expect(stdout).toContain(
			'[[durable_objects.bindings]]\n      name = "TMCP_DURABLE_OBJECT"\n      class_name = "SyncLayer"\n',
		);
		expect(stdout).toContain('[[migrations]]\n      tag = "<a new tag>"\n');
		expect(stdout).not.toMatch(/"\w+":/);
	});

	it('edits other files with --fix, and leaves the configuration to the user', async () => {
		const toml = TOML.replace(NAMESPACE, '');
		using project = projectOf(toml);
		project.write('.gitignore', 'node_modules\n');
		const { exitCode, stdout } = await run(['doctor', project.folder, '--fix']);
		expect(exitCode).toBe(1);
		expect(stdout).toContain('fixed .gitignore: ');
		expect(stdout).toContain('[[kv_namespaces]]\n      binding = "TMCP_SESSION_INFO"\n');
		expect(stdout).not.toContain('--fix does this');
		expect(stdout).toMatch(
			/--fix does not edit wrangler\.toml: make the changes above yourself\n$/,
		);
		expect(project.read(CONFIG)).toBe(toml);
		expect(project.read('.gitignore')).toBe('node_modules\n.dev.vars\n');
	});

	it.each([
		['a list without an end', 'name = "a"\nvars = { KEY = "secret" }\nmain = ["b"\n', ':4:1'],
		['a key that is there twice', 'name = "a"\n  name = "secret"\n', ':2:3'],
	])('rejects %s with line and column, and without its text', async (_, toml, place) => {
		using project = projectOf(toml);
		const { exitCode, stderr } = await run(['doctor', project.folder]);
		expect(exitCode).toBe(2);
		expect(stderr).toContain(`wrangler.toml${place}: invalid TOML (`);
		expect(stderr).not.toContain('secret');
	});

	it.each([
		['wrangler.json', ['wrangler.jsonc', 'wrangler.toml']],
		['wrangler.jsonc', ['wrangler.toml']],
	])('reads %s as wrangler does, and names the ignored %j', async (file, ignored) => {
		using project = projectOf('');
		for (const name of ignored) project.write(name, '');
		const { 'wrangler.jsonc': config = '' } = workerFiles;
		project.write(file, config);
		const { exitCode, stdout } = await run(['doctor', project.folder]);
		for (const name of ignored) {
			expect(stdout).toContain(`warning ${name}:1 ${name} is ignored: wrangler reads ${file}\n`);
		}
		expect({ exitCode, last: stdout.trim().split('\n').at(-1) }).toEqual({
			exitCode: 0,
			last: `0 errors, ${ignored.length} warning${ignored.length === 1 ? '' : 's'}`,
		});
	});
});
