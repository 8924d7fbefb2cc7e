import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { TmcpSessionsError } from '@tmcp-sessions/core';
import { reasonOf } from '@tmcp-sessions/core/backend';

const ATTEMPTS = 5;
const START_MS = 10_000;
/** What a shell answers for a command that it does not find. */
const NOT_FOUND = 127;

/**
 * Redis in a folder of its own that goes away with it, for as long as standard input is open: the
 * system closes that when this process ends, however it ends, so that nothing is left behind.
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

/** A Redis that takes connections. */
export interface RedisProcess {
	/** Where it listens on 127.0.0.1. */
	readonly port: number;
	/** Ends it. Settles when the process and its folder are gone. */
	stop(): Promise<void>;
}

/**
 * Starts `redis-server` on a free port of 127.0.0.1, without persistence.
 *
 * @throws {TmcpSessionsError} where it is not installed or does not start.
 */
export async function startRedisProcess(): Promise<RedisProcess> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await startOn(await freePort());
		} catch (error) {
			// Between the moment that a port was free and now somebody else may have taken it.
			if (attempt === ATTEMPTS || !/address already in use/i.test(reasonOf(error))) throw error;
		}
	}
}

async function startOn(port: number): Promise<RedisProcess> {
	const settings = { port: String(port), bind: '127.0.0.1', save: '', appendonly: 'no' };
	const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
	// In a process group of its own, so that a Ctrl-C in the terminal does not end the supervisor first.
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
			() => reject(failure('was not ready in 10 seconds', output)),
			START_MS,
		);
		supervisor.on('error', reject);
		supervisor.on('close', (status) => {
			clearTimeout(timer);
			reject(status === NOT_FOUND ? missing() : failure(`ended with status ${status}`, output));
		});
		supervisor.stdout.on('data', function hear(chunk: Buffer) {
			output += chunk.toString();
			if (!output.includes('Ready to accept connections')) return;
			clearTimeout(timer);
			// What it says from now on is read, or it would stall, and dropped.
			supervisor.stdout.off('data', hear).resume();
			resolve();
		});
	});
}

async function freePort(): Promise<number> {
	const server = createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	// Sound: a server that listens on a port has such an address.
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
	const said = output.trim().split('\n').slice(-5).join('\n');
	return new TmcpSessionsError('configuration', 'testkit', `redis-server ${what}:\n${said}`);
}
