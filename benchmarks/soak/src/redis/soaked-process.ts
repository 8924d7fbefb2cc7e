import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const file = join(import.meta.dirname, 'server.ts');

/** A server process, which keeps its port when it is killed and started again. */
export class SoakedProcess {
	readonly #env: Readonly<Record<string, string>>;
	readonly #onLog: (line: string) => void;
	#child: ChildProcess | undefined;
	#port = 0;

	constructor(env: Readonly<Record<string, string>>, onLog: (line: string) => void) {
		this.#env = env;
		this.#onLog = onLog;
	}

	get url(): URL {
		return new URL(`http://127.0.0.1:${this.#port}`);
	}

	async start(): Promise<void> {
		const child = spawn(process.execPath, [file], {
			env: { ...process.env, ...this.#env, PORT: String(this.#port) },
			stdio: ['pipe', 'pipe', 'pipe'],
		});
		this.#child = child;
		createInterface(child.stderr).on('line', this.#onLog);
		const [line] = await Promise.race([
			once(createInterface(child.stdout), 'line'),
			once(child, 'close').then(() => ['ended before it listened']),
		]);
		const port = /^listening on (\d+)$/.exec(String(line))?.[1];
		if (port === undefined) throw new Error(`the server ${line}`);
		this.#port = Number(port);
	}

	/** Ends the process as a crash does. */
	async kill(): Promise<void> {
		const child = this.#child;
		if (!child || child.exitCode !== null || child.signalCode !== null) return;
		const closed = once(child, 'close');
		child.kill('SIGKILL');
		await closed;
	}
}
