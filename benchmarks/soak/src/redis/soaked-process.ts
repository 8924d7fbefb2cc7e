import { join } from 'node:path';
import { startServerProcess } from '@tmcp-sessions/testkit/redis';
import type { ServerProcess } from '@tmcp-sessions/testkit/redis';

const file = join(import.meta.dirname, 'server.ts');

/** A server process, which keeps its port when it is killed and started again. */
export class SoakedProcess {
	readonly #env: Readonly<Record<string, string>>;
	readonly #onLog: (line: string) => void;
	#server: ServerProcess | undefined;
	#port = '0';

	constructor(env: Readonly<Record<string, string>>, onLog: (line: string) => void) {
		this.#env = env;
		this.#onLog = onLog;
	}

	get url(): URL {
		return new URL(`http://127.0.0.1:${this.#port}`);
	}

	async start(): Promise<void> {
		const env = { ...this.#env, PORT: this.#port };
		this.#server = await startServerProcess(file, { env, onLog: this.#onLog });
		this.#port = this.#server.url.port;
	}

	/** Ends the process, if it runs, as a crash does. */
	async kill(): Promise<void> {
		await this.#server?.kill();
	}
}
