import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReaderNetwork } from '../network/reader-network.ts';
import type { Exit } from '../process.ts';
import { CommandFailedError, RunningProcess, runCommand, waitUntil } from '../process.ts';
import type { ShellCommand } from './commands.ts';

const SERVER_START_SECONDS = 120;
const COMMAND_SECONDS = 240;

/**
 * A reader's terminal: runs one command after the other in bash and keeps the folder and the variables
 * between them. A server goes on in another terminal, and ends with {@link stop}.
 */
export class Shell {
	#state: string;
	#env: NodeJS.ProcessEnv;
	#network: ReaderNetwork;
	#servers: RunningProcess[] = [];
	/** Origins of the servers that were started. */
	readonly origins: string[] = [];

	/**
	 * @param folder where the first command runs.
	 * @param state a folder outside of it, for what the shell keeps between two commands.
	 */
	constructor(folder: string, state: string, env: NodeJS.ProcessEnv, network: ReaderNetwork) {
		this.#network = network;
		mkdirSync(state, { recursive: true });
		this.#state = state;
		this.#env = env;
		writeFileSync(join(state, 'folder'), folder);
		writeFileSync(join(state, 'variables'), '');
	}

	/** The current folder. */
	get folder(): string {
		return readFileSync(join(this.#state, 'folder'), 'utf8').trim();
	}

	/** Runs a command to its end. */
	run({ text }: ShellCommand): Promise<Exit> {
		return this.#start(text).limit(COMMAND_SECONDS);
	}

	/**
	 * Starts a server and resolves with its output so far when it accepts connections at an address
	 * that it has printed.
	 *
	 * @throws {CommandFailedError} if it ends, or does not start in time.
	 */
	async serve({ text }: ShellCommand): Promise<string> {
		const server = this.#start(text);
		this.#servers.push(server);
		await waitUntil(
			async () => {
				if (!server.isRunning) throw new CommandFailedError(`the server ended:\n${server.output}`);
				const found = /https?:\/\/(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]):(\d+)/.exec(
					server.output,
				);
				const port = found?.[1];
				if (port === undefined || !(await this.#accepts(port))) return false;
				this.origins.push(`http://localhost:${port}`);
				return true;
			},
			SERVER_START_SECONDS,
			() =>
				`the server printed no address that accepts connections within ${SERVER_START_SECONDS} s:\n${server.output}`,
		);
		return server.output;
	}

	/**
	 * Connects the official clients to an endpoint in this network and calls a tool with each.
	 *
	 * @throws {CommandFailedError} if one fails.
	 */
	async callTools(url: string): Promise<string> {
		const script = join(import.meta.dirname, '../official-clients.ts');
		const [command, args] = this.#network.enter(process.execPath, [script, url]);
		try {
			return await runCommand(command, args, { cwd: this.#state, env: process.env, seconds: 60 });
		} catch (failure) {
			if (!(failure instanceof CommandFailedError)) throw failure;
			throw new CommandFailedError(`${failure.message}\nThe server printed:\n${this.serverOutput}`);
		}
	}

	/** What the servers printed. */
	get serverOutput(): string {
		return this.#servers.map(({ output }) => output).join('\n');
	}

	async stop(): Promise<void> {
		await Promise.all(this.#servers.map((server) => server.stop()));
	}

	/** Returns whether a server in this network accepts connections at the port. */
	async #accepts(port: string): Promise<boolean> {
		const script = [`127.0.0.1`, `localhost`].map((host) => `: < /dev/tcp/${host}/${port}`);
		const [command, args] = this.#network.enter('bash', ['-c', script.join(' || ')]);
		const { status } = await new RunningProcess(command, args, {
			cwd: this.#state,
			env: this.#env,
		}).limit(5);
		return status === 0;
	}

	#start(text: string): RunningProcess {
		// `declare -p` also prints read-only variables of bash, which cannot be declared again.
		const script = [
			`source "$STATE/variables" 2>/dev/null`,
			`cd "$(cat "$STATE/folder")"`,
			`set -o pipefail`,
			text,
			`status=$?; pwd > "$STATE/folder"; declare -p > "$STATE/variables"; exit $status`,
		].join('\n');
		const [command, args] = this.#network.enter('bash', ['-c', script]);
		return new RunningProcess(command, args, {
			cwd: this.#state,
			env: { ...this.#env, STATE: this.#state },
		});
	}
}
