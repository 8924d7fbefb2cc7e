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
});
