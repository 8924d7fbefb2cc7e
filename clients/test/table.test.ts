import { expect, it } from 'vitest';
import { formatTable } from '../src/table.ts';
import type { ClientResult } from '../src/results.ts';

const client: ClientResult = {
	title: 'example',
	package: 'example',
	date: '2026-11-29',
	registry: 'npm',
	version: '1.0.0',
	revision: '2025-11-25',
	lists: 'tools, resources, templates, prompts',
	lacks: {},
	failures: {},
};
const tableOf = (changes: Partial<ClientResult>): string =>
	formatTable({ pairs: 6, clients: [{ ...client, ...changes }] });

it('a step that the client lacks is a dash with a footnote, not a pass', () => {
	const table = tableOf({ lacks: { DELETE: 'It leaves its sessions.' } });
	expect(table).toMatch(/\| –\[\^1\] +\|\n/);
	expect(table).toContain('[^1]: It leaves its sessions.');
});

it('a failed step shows the number of passes and the first failure', () => {
	const table = tableOf({ failures: { resume: { pairs: 2, first: 'kv: expected a result' } } });
	expect(table).toContain('| 4/6[^1]');
	expect(table).toContain('[^1]: kv: expected a result');
});

it('a client that did not run passes no step', () => {
	const table = tableOf({ notRun: 'There is no index.' });
	expect(table).not.toContain('6/6');
	expect(table.match(/not run\[\^1\]/g)).toHaveLength(9);
});
