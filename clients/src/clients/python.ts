import { execFile, spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { kinds } from '../client-adapter.ts';
import type { CallOptions, ClientAdapter, Listing, Readiness } from '../client-adapter.ts';

const run = promisify(execFile);
const driver = fileURLToPath(new URL('../python/driver.py', import.meta.url));
const environment = fileURLToPath(new URL('../../node_modules/.cache/python', import.meta.url));
const python = `${environment}/bin/python`;

const INSTALL_MS = 300_000;

/** The official Python SDK. */
export const mcpPython: ClientAdapter = adapterOf('mcp', 'mcp>=1.29,<2');
/** fastmcp, the most used Python framework. */
export const fastmcp: ClientAdapter = adapterOf('fastmcp', 'fastmcp>=3,<4');

/** A line that the driver prints. */
interface DriverLine {
	readonly id?: number;
	readonly result?: unknown;
	readonly error?: string;
	readonly progress?: number;
	readonly notification?: string;
}

function adapterOf(name: string, requirement: string): ClientAdapter {
	return {
		package: name,
		variant: 'Python',
		era: 'session-based',
		lists: kinds,
		lacks: {},
		prepare: () => install(name, requirement),
		async connect(url, { headers = {}, onNotification = () => undefined } = {}) {
			const child = spawn(python, [driver, name, url.href, JSON.stringify(headers)]);
			const { send, close } = converse(child, onNotification);
			await send({ do: 'connect' });
			return {
				// Safe because the driver returns the lists of names that it is asked for.
				list: async (kinds) => (await send({ do: 'list', kinds })) as Listing,
				call: async (name, args, options) =>
					String(await send({ do: 'call', name, arguments: args }, options)),
				async subscribe(uri) {
					await send({ do: 'subscribe', uri });
				},
				async end() {
					await send({ do: 'end' });
					await close();
				},
			};
		},
	};
}

/** Creates a virtual environment with this package, unless it exists. */
async function install(name: string, requirement: string): Promise<Readiness> {
	try {
		await run('python3', ['-m', 'venv', environment]);
		const quickly = ['--quiet', '--disable-pip-version-check', '--retries', '0'];
		await run(python, ['-m', 'pip', 'install', ...quickly, requirement], { timeout: INSTALL_MS });
		const program = `from importlib.metadata import version; print(version("${name}"))`;
		return { version: (await run(python, ['-c', program])).stdout.trim() };
	} catch (error) {
		// pip explains the reason; a machine without Python has only the error of the process.
		const output = error instanceof Error ? error.message.trim() : String(error);
		const reason =
			output
				.split('\n')
				.at(-1)
				?.replace(/^ERROR: /, '') ?? output;
		return { notRun: `\`pip install "${requirement}"\` failed: ${reason}` };
	}
}

/** Exchanges lines of JSON with the driver. */
function converse(
	child: ChildProcessWithoutNullStreams,
	onNotification: (method: string) => void,
): {
	send(command: object, options?: CallOptions): Promise<unknown>;
	close(): Promise<void>;
} {
	const exited = once(child, 'close');
	const waiting = new Map<number, { settle(line: DriverLine): void; options: CallOptions }>();
	let stderr = '';
	child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
	createInterface(child.stdout).on('line', (text) => {
		// Safe because the driver prints only such lines.
		const line = JSON.parse(text) as DriverLine;
		if (line.notification !== undefined) return onNotification(line.notification);
		const call = waiting.get(line.id ?? 0);
		if (line.progress !== undefined) call?.options.onProgress?.(line.progress);
		else call?.settle(line);
	});
	child.on('close', () => {
		const error = `the driver exited: ${stderr.slice(-500)}`;
		for (const { settle } of waiting.values()) settle({ error });
	});
	let lastId = 0;
	const write = (line: object): boolean => child.stdin.write(`${JSON.stringify(line)}\n`);
	return {
		send(command, options = {}) {
			const id = (lastId += 1);
			options.signal?.addEventListener('abort', () => write({ do: 'cancel', call: id }));
			return new Promise((resolve, reject) => {
				const settle = ({ error, result }: DriverLine): void => {
					waiting.delete(id);
					if (error === undefined) resolve(result);
					else reject(new Error(error));
				};
				waiting.set(id, { settle, options });
				write({ ...command, id });
			});
		},
		async close() {
			child.stdin.end();
			await exited;
		},
	};
}
