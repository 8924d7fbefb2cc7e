import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { startRedis } from '@tmcp-sessions/testkit/redis';

const file = fileURLToPath(new URL('server.ts', import.meta.url));

/** Two processes of Node.js that share one Redis. */
export interface RedisDeployment {
	url(process: 'a' | 'b'): URL;
	stop(): Promise<void>;
}

/** @param onLog receives each line that the processes write to standard error. */
export async function startRedisDeployment(
	onLog: (line: string) => void,
): Promise<RedisDeployment> {
	const redis = await startRedis();
	const env = {
		REDIS_URL: `redis://127.0.0.1:${redis.port}`,
		TMCP_SESSION_KEYS: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64'),
	};
	const servers = await Promise.all([startServer(env, onLog), startServer(env, onLog)]);
	return {
		url: (process) => (process === 'a' ? servers[0] : servers[1]).url,
		async stop() {
			await Promise.all(servers.map((server) => server.stop()));
			await redis.stop();
		},
	};
}

interface ServerProcess {
	readonly url: URL;
	stop(): Promise<void>;
}

async function startServer(
	env: Readonly<Record<string, string>>,
	onLog: (line: string) => void,
): Promise<ServerProcess> {
	const child: ChildProcess & { stdin: object; stdout: NodeJS.ReadableStream } = spawn(
		process.execPath,
		[file],
		{ env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] },
	);
	const closed = once(child, 'close');
	if (child.stderr) createInterface(child.stderr).on('line', onLog);
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
