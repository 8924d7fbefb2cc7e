import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { TmcpSessionsError } from '@tmcp-sessions/core';
import { reasonOf } from '@tmcp-sessions/core/backend';

const ATTEMPTS = 5;
const START_MS = 10_000;
/** The exit status of a shell that does not find the command. */
const NOT_FOUND = 127;

/**
 * Runs Redis in a temporary directory until standard input closes, then removes both. The system closes
 * it when this process ends, even by SIGKILL, so that neither a process nor a directory is left.
 */
const SUPERVISOR = `
exec 2>&1
directory=$(mktemp -d) || exit 1
exec 3<&0
redis-server --dir "$directory" "$@" </dev/null 3<&- &
server=$!
(read -r _ <&3; kill "$server") >/dev/null 2>&1 &
watch=$!
wait "$server"
status=$?
kill "$watch" 2>/dev/null
rm -rf "$directory"
exit "$status"
`;

/** A Redis that accepts connections. */
export interface RedisProcess {
	/** Its port on 127.0.0.1. */
	readonly port: number;
	/** Stops it. Resolves after the process has ended and its directory is removed. */
	stop(): Promise<void>;
}

/** Settings of `redis.conf` by name. */
export type RedisSettings = Readonly<Record<string, string>>;

/**
 * Starts `redis-server` on a free port of 127.0.0.1, without persistence.
 *
 * @throws {TmcpSessionsError} if it is not installed or does not start.
 */
export async function startRedisProcess(settings: RedisSettings = {}): Promise<RedisProcess> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await startOn(await freePort(), settings);
		} catch (error) {
			// Another process may have taken the port since it was found free.
			if (attempt === ATTEMPTS || !/address already in use/i.test(reasonOf(error))) throw error;
		}
	}
}

async function startOn(port: number, settings: RedisSettings): Promise<RedisProcess> {
	const own = { port: String(port), bind: '127.0.0.1', save: '', appendonly: 'no' };
	const args = Object.entries({ ...own, ...settings }).flatMap(([name, value]) => [
		`--${name}`,
		value,
	]);
	// Its own process group: Ctrl-C in the terminal must not end the supervisor before Redis.
	const supervisor = spawn('sh', ['-c', SUPERVISOR, 'redis', ...args], { detached: true });
	const closed = once(supervisor, 'close');
	const stop = async (): Promise<void> => {
		supervisor.stdin.end();
		await closed;
	};
	try {
		await untilReady(supervisor);
	} catch (error) {
		await stop();
		throw error;
	}
	return { port, stop };
}

function untilReady(supervisor: ChildProcessWithoutNullStreams): Promise<void> {
	let output = '';
	return new Promise<void>((resolve, reject) => {
		const timer = setTimeout(
			() => reject(failure('was not ready within 10 seconds', output)),
			START_MS,
		);
		supervisor.on('error', reject);
		supervisor.on('close', (status) => {
			clearTimeout(timer);
			reject(status === NOT_FOUND ? missing() : failure(`ended with status ${status}`, output));
		});
		supervisor.stdout.on('data', function onOutput(chunk: Buffer) {
			output += chunk.toString();
			if (!output.includes('Ready to accept connections')) return;
			clearTimeout(timer);
			// Discard later output; unread, it would fill the pipe and block Redis.
			supervisor.stdout.off('data', onOutput).resume();
			resolve();
		});
	});
}

/** Returns a port of 127.0.0.1 that nothing listens on. */
export async function freePort(): Promise<number> {
	const server = createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	// Safe because a server that listens on a port has an AddressInfo.
	const { port } = server.address() as AddressInfo;
	server.close();
	await once(server, 'close');
	return port;
}

function missing(): TmcpSessionsError {
	return new TmcpSessionsError(
		'configuration',
		'testkit',
		'redis-server is not installed. Get it with `apt-get install redis-server` (Debian, Ubuntu) or `brew install redis` (macOS).',
	);
}

function failure(what: string, output: string): TmcpSessionsError {
	const lastLines = output.trim().split('\n').slice(-5).join('\n');
	return new TmcpSessionsError('configuration', 'testkit', `redis-server ${what}:\n${lastLines}`);
}
