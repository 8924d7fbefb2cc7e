import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { TaskClient } from '@tmcp-sessions/testkit/task-client';

describe('where a task finds its handler', () => {
	let workers: Workers<'a' | 'b'>;
	const logged: string[] = [];
	beforeAll(async () => {
		workers = await startWorkers({
			entry: join(import.meta.dirname, '../fixture/configurations.ts'),
			workers: ['a', 'b'],
			kvNamespaces: [],
			durableObjects: { TMCP_TASK_OBJECT: 'TaskObject' },
			onLog: (line) => void logged.push(line),
		});
	});
	afterAll(() => workers.stop());
	// The objects belong to the script of A. B binds them by its name.
	const client = (user: string, name: 'a' | 'b' = 'a'): TaskClient =>
		new TaskClient(() => workers.url(name), undefined, { 'x-user': user });

	it('tells two handlers of one script apart, also from another script', async () => {
		for (const [user, greeting] of [
			['german', 'Hallo'],
			['french', 'Salut'],
		] as const) {
			for (const name of ['a', 'b'] as const) {
				const task = await client(user, name).ended(await client(user, name).start('greet'));
				expect(task).toMatchObject({ result: { content: [{ text: greeting }] } });
			}
		}
	});

	it('rejects a second handler of the same name', async () => {
		const response = await client('again').send('tools/call', { name: 'greet' });
		expect(await response.text()).toContain(
			'two handlers of this script have tasks named "german"',
		);
	});

	it('rejects a call whose handler another isolate has created in fetch, with a clear error', async () => {
		// B creates the handler; the script of A, which runs the objects, does not have it.
		const reply = await client('nobody', 'b').call('greet');
		expect(reply.status).toBe(500);
		expect(reply.error?.message).toContain('needs a handler with tasks named "late"');
		expect(logged.join('\n')).toContain(
			'needs a handler with tasks named "late", to run their calls; found "german", "french", "unbound". ' +
				'Call createMcpHandler with DurableObjectTasks at the top level',
		);
	});

	it('names the lines of wrangler.jsonc that are missing', async () => {
		const reply = await client('unbound').call('greet');
		expect(reply.status).toBe(500);
		expect(logged.join('\n')).toContain(
			'the binding MISSING_BINDING must be a Durable Object namespace',
		);
		expect(logged.join('\n')).toContain('"new_sqlite_classes": ["TaskObject"]');
	});
});
