import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { connect } from 'node:net';

export interface ProcessOptions {
	readonly cwd: string;
	readonly env: NodeJS.ProcessEnv;
	/** Seconds after which the process and its children are killed. Default: 180. */
	readonly seconds?: number;
}

export interface Exit {
	readonly status: number | null;
	/** Standard output and standard error, in the order of arrival. */
	readonly output: string;
	readonly stdout: string;
}

/** Thrown by {@link runCommand}; the message has the command, its folder and its output. */
export class CommandFailedError extends Error {
	override readonly name = 'CommandFailedError';
}

/** A process that leads a process group, so that its children end with it. */
export class RunningProcess {
	readonly exit: Promise<Exit>;
	#child: ChildProcess;
	#output = '';
	#stdout = '';

	constructor(command: string, args: readonly string[], options: ProcessOptions) {
		this.#child = spawn(command, args, {
			cwd: options.cwd,
			env: options.env,
			detached: true,
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		this.#child.stdout?.on('data', (chunk: Buffer) => {
			this.#output += chunk.toString();
			this.#stdout += chunk.toString();
		});
		this.#child.stderr?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
		this.exit = new Promise((resolve) => {
			const finish = (status: number | null) =>
				resolve({ status, output: this.#output.trim(), stdout: this.#stdout.trim() });
			this.#child.on('error', (error) => {
				this.#output += error.message;
				finish(null);
			});
			this.#child.on('close', finish);
		});
	}

	get pid(): number {
		return this.#child.pid ?? 0;
	}

	get output(): string {
		return this.#output;
	}

	get isRunning(): boolean {
		return this.#child.exitCode === null && this.#child.signalCode === null;
	}

	/** Ends the process and its children, and resolves when they have closed their output. */
	async stop(): Promise<void> {
		this.#signal('SIGTERM');
		const killed = setTimeout(() => this.#signal('SIGKILL'), 3000);
		await this.exit;
		clearTimeout(killed);
	}

	#signal(signal: NodeJS.Signals): void {
		if (this.#child.pid === undefined) return;
		try {
			process.kill(-this.#child.pid, signal);
		} catch {
			// The group has ended.
		}
	}

	/** Ends the process after some seconds, unless it ends before. */
	async limit(seconds: number): Promise<Exit> {
		const timer = setTimeout(() => {
			this.#output += `\nEnded by the runner after ${seconds} s.`;
			this.#signal('SIGKILL');
		}, seconds * 1000);
		const exit = await this.exit;
		clearTimeout(timer);
		return exit;
	}
}

/** Runs a command to its end, also if it fails. */
export function runToEnd(
	command: string,
	args: readonly string[],
	options: ProcessOptions,
): Promise<Exit> {
	return new RunningProcess(command, args, options).limit(options.seconds ?? 180);
}

/**
 * Runs a command and resolves with its standard output.
 *
 * @throws {CommandFailedError} unless it exits with status 0.
 */
export async function runCommand(
	command: string,
	args: readonly string[],
	options: ProcessOptions,
): Promise<string> {
	const { status, output, stdout } = await runToEnd(command, args, options);
	if (status === 0) return stdout;
	const line = [command, ...args].join(' ');
	throw new CommandFailedError(
		`${line} (in ${options.cwd}) ended with status ${status}:\n${output}`,
	);
}

/** Returns whether a server accepts connections at this port of the loopback interface. */
export async function accepts(port: number): Promise<boolean> {
	const tried = await Promise.all(['127.0.0.1', '::1'].map((host) => acceptsAt(host, port)));
	return tried.includes(true);
}

function acceptsAt(host: string, port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect({ host, port, timeout: 1000 });
		const finish = (result: boolean) => {
			socket.destroy();
			resolve(result);
		};
		socket.on('connect', () => finish(true));
		socket.on('error', () => finish(false));
		socket.on('timeout', () => finish(false));
	});
}

/** Polls until the condition holds; rejects after some seconds. */
export async function waitUntil(
	condition: () => boolean | Promise<boolean>,
	seconds: number,
	describe: () => string,
): Promise<void> {
	const end = performance.now() + seconds * 1000;
	while (!(await condition())) {
		if (performance.now() > end) throw new CommandFailedError(describe());
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}
