import { parse } from 'jsonc-parser';
import { describe, expect, it } from 'vitest';

import { edited } from '../src/doctor/repair.ts';
import { CONFIG } from './planted.ts';
import { run } from './terminal.ts';
import { workerFiles, WorkerProject } from './worker-project.ts';

const text = `{
  "name": "notes", // the name
  "compatibility_flags": ["nodejs_als"],
  "durable_objects": { "bindings": [{ "name": "A", "class_name": "B" }] },
  "vars": {},
  "queues": {
    "producers": [
      { "binding": "Q", "queue": "q" },
    ],
  },
  "kv_namespaces": [{ "binding": "K" }],
}
`;

describe('doctor --fix', () => {
	it.each([
		[
			['compatibility_flags'],
			['nodejs_als', 'nodejs_compat'],
			['"compatibility_flags": ["nodejs_als"],'],
		],
		[
			['durable_objects', 'bindings', 1],
			{ name: 'C', class_name: 'D' },
			['"durable_objects": { "bindings": [{ "name": "A", "class_name": "B" }] },'],
		],
		[['kv_namespaces', 1], { binding: 'L' }, ['"kv_namespaces": [{ "binding": "K" }],']],
		[['vars', 'GREETING'], 'Hi', ['"vars": {},']],
		[['queues', 'producers', 1], { binding: 'R', queue: 'r' }, []],
		[['secrets', 'required', 0], 'KEY', []],
		[['dev', 'host'], 'localhost', []],
	] as const)('changes no other line than that of %j', (path, value, changed) => {
		const after = edited(text, path, value)
			.split('\n')
			.map((line) => line.trim());
		const lines = text.split('\n').map((line) => line.trim());
		expect(lines.filter((line) => !after.includes(line))).toEqual(changed);
	});

	it('corrects no misspelt flag by a second one', async () => {
		using project = new WorkerProject(workerFiles);
		project.replace(CONFIG, '"nodejs_compat"', '"node_compat"');
		const before = project.read(CONFIG);
		const { exitCode, stdout } = await run(['doctor', project.folder, '--fix']);
		expect(exitCode).toBe(1);
		expect(stdout).toContain('there is no compatibility flag node_compat');
		expect(project.read(CONFIG)).toBe(before);
	});

	it('leaves a neighbor in one line as it is', async () => {
		using project = new WorkerProject(workerFiles);
		const line = '  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["SyncLayer"] }],\n';
		project.replace(CONFIG, '  "secrets": { "required": ["TMCP_SESSION_KEYS"] },\n', '');
		await run(['doctor', project.folder, '--fix']);
		expect(project.read(CONFIG)).toContain(line);
		expect(project.read(CONFIG)).toContain('\n  "secrets": {\n    "required": [\n');
	});

	it('leaves a comment at its neighbor, with and without a comma', () => {
		const path = ['migrations', 1];
		const value = { tag: 'v2' };
		const begin = '{\n\t"migrations": [\n\t\t{ "tag": "v1" }';
		const added = '\n\t\t{\n\t\t\t"tag": "v2"\n\t\t}';
		expect(edited(`${begin}, // in March\n\t],\n}`, path, value)).toBe(
			`${begin}, // in March${added},\n\t],\n}`,
		);
		expect(edited(`${begin} /* in */ // March\n\t]\n}`, path, value)).toBe(
			`${begin}, /* in */ // March${added}\n\t]\n}`,
		);
	});

	it('indents as the lines around, not as those of another place', () => {
		const mixed = '{\n  "name": "a",\n\t"env": {\n\t\t"b": {\n\t\t\t"name": "c"\n\t\t}\n\t}\n}';
		expect(edited(mixed, ['env', 'b', 'secrets'], { required: ['A'] })).toContain(
			'"c",\n\t\t\t"secrets": {\n\t\t\t\t"required": [\n\t\t\t\t\t"A"\n\t\t\t\t]\n\t\t\t}\n',
		);
	});

	it('writes a class that differs in the case of letters as the entry exports it', async () => {
		using project = new WorkerProject(workerFiles);
		const before = project.read(CONFIG);
		project.write(CONFIG, before.replaceAll('"SyncLayer"', '"Synclayer"'));
		const { stdout } = await run(['doctor', project.folder, '--fix']);
		expect(stdout).toMatch(/^fixed .+ does not export the class Synclayer.*\nNo problems found\n$/);
		expect(project.read(CONFIG)).toBe(before);
	});

	it('requires the secrets of the top level in an environment', async () => {
		using project = new WorkerProject(workerFiles);
		project.replace(
			CONFIG,
			'["TMCP_SESSION_KEYS"] },',
			'["TMCP_SESSION_KEYS", "ACCOUNTS"] },\n"env": { "production": {} },',
		);
		const { stdout } = await run(['doctor', project.folder]);
		expect(stdout).toContain(
			'add "secrets": { "required": ["TMCP_SESSION_KEYS","ACCOUNTS"] }, the list of the top level',
		);
		await run(['doctor', project.folder, '--fix']);
		const { env } = parse(project.read(CONFIG));
		expect(env.production.secrets).toEqual({ required: ['TMCP_SESSION_KEYS', 'ACCOUNTS'] });
	});
});
