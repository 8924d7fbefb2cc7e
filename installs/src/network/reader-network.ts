import { spawnSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { RunningProcess, waitUntil } from '../process.ts';

/**
 * The network that a reader's commands run in. Documents print the same ports, so each reader gets a
 * network namespace of its own if the machine allows it, from which only the local registry is reachable.
 */
export interface ReaderNetwork {
	/** Whether no other reader has these ports. */
	readonly isIsolated: boolean;
	/** Returns the command line that runs a command in this network. */
	enter(command: string, args: readonly string[]): readonly [string, readonly string[]];
	stop(): Promise<void>;
}

/** Creates networks of readers. */
export interface NetworkFactory {
	/** Whether the machine allows networks of readers. */
	readonly canIsolate: boolean;
	create(): Promise<ReaderNetwork>;
	stop(): Promise<void>;
}

const isRoot = process.getuid?.() === 0;
const asRoot = isRoot ? [] : ['--map-root-user'];

/** Begins a command that runs without any network. */
export const WITHOUT_NETWORK: string = ['unshare', '--net', ...asRoot].join(' ');

function canIsolate(): boolean {
	const { status } = spawnSync('unshare', ['--net', ...asRoot, 'ip', 'link', 'set', 'lo', 'up']);
	return status === 0;
}

/**
 * @param registry URL of the local registry, with the same port in every network.
 * @param folder a folder for the socket by which namespaces reach the registry.
 */
export async function createNetworks(registry: string, folder: string): Promise<NetworkFactory> {
	if (!canIsolate()) {
		const enter = (command: string, args: readonly string[]) => [command, args] as const;
		const shared = { isIsolated: false, enter, stop: async () => {} };
		return { canIsolate: false, create: async () => shared, stop: async () => {} };
	}
	const port = Number(new URL(registry).port);
	const path = join(folder, 'registry.sock');
	const relay = createServer((from) => {
		const to = connect(port, '127.0.0.1');
		from.pipe(to).pipe(from);
		from.on('error', () => to.destroy());
		to.on('error', () => from.destroy());
	});
	await new Promise<void>((resolve) => relay.listen(path, resolve));
	return {
		canIsolate: true,
		create: () => createNamespace(path, port),
		stop: () => new Promise((resolve) => relay.close(() => resolve())),
	};
}

async function createNamespace(socket: string, port: number): Promise<ReaderNetwork> {
	const script = join(import.meta.dirname, 'registry-door.ts');
	const door = new RunningProcess(
		'unshare',
		[
			'--net',
			...asRoot,
			'sh',
			'-c',
			'ip link set lo up && exec "$@"',
			'door',
			process.execPath,
			script,
			socket,
			String(port),
		],
		{ cwd: import.meta.dirname, env: process.env },
	);
	await waitUntil(
		() => door.output.includes('ready') || !door.isRunning,
		30,
		() => `the network namespace did not start:\n${door.output}`,
	);
	if (!door.isRunning) throw new Error(`the network namespace ended: ${door.output}`);
	const user = isRoot ? [] : ['--user', '--preserve-credentials'];
	return {
		isIsolated: true,
		enter: (command, args) => [
			'nsenter',
			['--target', String(door.pid), '--net', ...user, '--', command, ...args],
		],
		stop: () => door.stop(),
	};
}
