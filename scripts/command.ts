import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { repository } from './workspace.ts';

/** Thrown when a command fails; the message is the command's output. */
export class CommandFailedError extends Error {
	override readonly name = 'CommandFailedError';
}

/**
 * Runs a tool of the workspace in the repository and resolves with its output.
 *
 * @throws {CommandFailedError} if the tool exits with a status other than 0, or by a signal.
 */
export function runCommand(command: string, ...args: string[]): Promise<string> {
	const tools = join(repository, 'node_modules/.bin');
	const child = spawn(command, args, {
		cwd: repository,
		stdio: ['ignore', 'pipe', 'pipe'],
		env: { ...process.env, PATH: `${tools}${delimiter}${process.env['PATH'] ?? ''}` },
	});
	const chunks: Buffer[] = [];
	child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
	child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
	return new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('close', (status, signal) => {
			const output = Buffer.concat(chunks).toString().trim();
			if (status === 0) resolve(output);
			else {
				const line = `${[command, ...args].join(' ')} ended with ${signal ?? `status ${status}`}`;
				reject(new CommandFailedError(`${output}\n${line}`.trim()));
			}
		});
	});
}

/**
 * Calls a function for each item, for as many items at a time as the machine has cores.
 *
 * @returns the results in the order of the items. Rejects when a call rejects.
 */
export async function mapConcurrently<Item, Result>(
	items: readonly Item[],
	map: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
	const results: Result[] = [];
	const left = items.entries();
	const work = async (): Promise<void> => {
		for (const [index, item] of left) results[index] = await map(item, index);
	};
	await Promise.all(Array.from({ length: availableParallelism() }, work));
	return results;
}

/** Describes a failure for a person: the tool's output, or the stack if a script threw. */
export function describeFailure(failure: unknown): string {
	if (failure instanceof CommandFailedError) return failure.message;
	return failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
}
