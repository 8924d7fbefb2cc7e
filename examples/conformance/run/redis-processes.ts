import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { ConformanceServers } from './conformance-servers.ts';

const file = fileURLToPath(new URL('redis-server.ts', import.meta.url));

/** Starts the server in two processes of Node.js over one Redis. */
export async function startRedisProcesses(
	onLog: (line: string) => void,
): Promise<ConformanceServers> {
	const redis = await startRedis();
	const env = {
		REDIS_URL: `redis://127.0.0.1:${redis.port}`,
		TMCP_SESSION_KEYS: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64'),
	};
	const [a, b] = await Promise.all([startProcess(env, onLog), startProcess(env, onLog)]);
	return {
		url: (name) => (name === 'a' ? a : b).url,
		async stop() {
			await Promise.all([a.stop(), b.stop()]);
			await redis.stop();
		},
	};
}

async function startProcess(
	env: Readonly<Record<string, string>>,
	onLog: (line: string) => void,
): Promise<{ readonly url: URL; stop(): Promise<void> }> {
	const child = spawn(process.execPath, [file], {
		env: { ...process.env, ...env },
		stdio: ['pipe', 'pipe', 'pipe'],
	});
	const closed = once(child, 'close');
	createInterface(child.stderr).on('line', onLog);
	const [line] = await Promise.race([
		once(createInterface(child.stdout), 'line'),
		closed.then(() => ['ended before it listened']),
	]);
	const port = /^listening on (\d+)$/.exec(String(line))?.[1];
	if (port === undefined) throw new Error(`the server ${line}`);
	return {
		url: new URL(`http://127.0.0.1:${port}`),
		async stop() {
			child.kill('SIGKILL');
			await closed;
		},
	};
}
