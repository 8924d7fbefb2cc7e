import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { startRedis } from './start-redis.ts';

/** How a server is started. */
interface ServerProcessStart {
	/** Variables besides those of this process. */
	readonly env: Readonly<Record<string, string>>;
	/** Receives each line of standard error. Default: this process prints it. */
	readonly onLog?: ((line: string) => void) | undefined;
	/** The program that runs the file. Default: this Node.js. */
	readonly command?: string | undefined;
	/** Arguments of the program before the file. */
	readonly args?: readonly string[] | undefined;
}

/** A server in a separate process. It ends with the process that started it. */
export interface ServerProcess {
	/** `http://127.0.0.1:<port>/` */
	readonly url: URL;
	readonly pid: number;
	/** Sends the process a signal. */
	signal(signal: NodeJS.Signals): void;
	/** Ends the process with a signal, by default as a crash does. Resolves when it has ended. */
	kill(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Starts a server that prints `listening on <port>`.
 *
 * @throws if the first line is another one, or the process ends before.
 */
export async function startServerProcess(
	file: string,
	{ args = [], command = process.execPath, env, onLog }: ServerProcessStart,
): Promise<ServerProcess> {
	const child = spawn(command, [...args, file], {
		env: { ...process.env, ...env },
		stdio: ['pipe', 'pipe', onLog ? 'pipe' : 'inherit'],
	});
	const closed = once(child, 'close');
	const { stderr, stdout } = child;
	if (onLog && stderr) createInterface(stderr).on('line', onLog);
	const ended = closed.then(() => ['ended before it listened']);
	const lines = stdout ? [once(createInterface(stdout), 'line')] : [];
	const [line] = await Promise.race([...lines, ended]);
	const port = /^listening on (\d+)$/.exec(String(line))?.[1];
	if (port === undefined) throw new Error(`the server ${line}`);
	return {
		url: new URL(`http://127.0.0.1:${port}`),
		pid: child.pid ?? 0,
		signal: (signal) => void child.kill(signal),
		async kill(signal = 'SIGKILL') {
			child.kill(signal);
			await closed;
		},
	};
}

/** Two processes of Node.js over one Redis. */
export interface RunningServerPair {
	url(process: 'a' | 'b'): URL;
	stop(): Promise<void>;
}

/**
 * Starts a Redis and a server in two processes, with `REDIS_URL` and a new `TMCP_SESSION_KEYS`.
 *
 * @param onLog receives each line that the processes write to standard error.
 */
export async function startServerPair(
	file: string,
	onLog: (line: string) => void,
): Promise<RunningServerPair> {
	const redis = await startRedis();
	const env = {
		REDIS_URL: `redis://127.0.0.1:${redis.port}`,
		TMCP_SESSION_KEYS: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64'),
	};
	const start = (): Promise<ServerProcess> => startServerProcess(file, { env, onLog });
	const [a, b] = await Promise.all([start(), start()]);
	return {
		url: (process) => (process === 'a' ? a : b).url,
		async stop() {
			await Promise.all([a.kill(), b.kill()]);
			await redis.stop();
		},
	};
}
