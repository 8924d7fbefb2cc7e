import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { sleep } from '@tmcp-sessions/core/backend';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import { expect, it } from 'vitest';

import { startServer } from './server-process.ts';

/** Returns the binary of a runtime for this machine, which is in a separate package. */
function findBinary(runtime: string, path: string): string {
	const manifest = createRequire(import.meta.url).resolve(`${runtime}/package.json`);
	// Safe because the package lists its platform packages there.
	const { optionalDependencies } = JSON.parse(readFileSync(manifest, 'utf8')) as {
		optionalDependencies: Record<string, string>;
	};
	const folders = createRequire(manifest).resolve.paths('_') ?? [];
	const found = Object.keys(optionalDependencies)
		.flatMap((name) => folders.map((folder) => join(folder, name, path)))
		.find((file) => existsSync(file));
	if (found === undefined) throw new Error(`${runtime} has no binary for this machine`);
	return found;
}

const NODE = [process.execPath] as const;

it.each([
	['Bun', [findBinary('bun', 'bin/bun')] as const],
	['Deno', [findBinary('deno', 'deno'), 'run', '--allow-net', '--allow-env'] as const],
])(
	'continues a task of Node.js on %s, and one of it on Node.js',
	async (name, other) => {
		const redis = await startRedis();
		const keys = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
		const env = { REDIS_URL: `redis://127.0.0.1:${redis.port}`, TMCP_SESSION_KEYS: keys };
		const web = await startServer({ ...env, CONCURRENCY: '0' });
		try {
			for (const [first, second, id] of [
				[NODE, other, 'from-node'],
				[other, NODE, `from-${name}`],
			] as const) {
				const cutOff = await startServer(env, first);
				const taskId = await web.client().start('five_steps', { id });
				while (!Object(await web.client().get(taskId)).result.statusMessage) await sleep(10);
				await cutOff.kill();
				const successor = await startServer(env, second);
				expect(await web.client().ended(taskId)).toMatchObject({
					result: { content: [{ text: `${id}: 15` }] },
				});
				const asked = await web.client().start('ask', { id });
				await web.client().until(asked, 'input_required');
				await web.client().update(asked, {
					'input-1': { action: 'accept', content: { approve: true } },
				});
				expect(await web.client().ended(asked)).toMatchObject({ status: 'completed' });
				await successor.kill();
			}
		} finally {
			await web.kill();
			await redis.stop();
		}
	},
	90_000,
);
