import { mkdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Limit } from '../lock.ts';
import type { NetworkFactory, ReaderNetwork } from '../network/reader-network.ts';
import { CommandFailedError } from '../process.ts';
import type { Report } from '../report.ts';
import { compileStrictly } from '../typescript.ts';
import { splitCommands, startsServer } from './commands.ts';
import type { ShellCommand } from './commands.ts';
import type { CommandsStep, FileStep, Place, RunnableDocument } from './document.ts';
import { Shell } from './shell.ts';

/** How a reader differs from one who types what is printed in an empty folder. */
export interface Variation {
	/** What the reader's project has, such as `pnpm, over tmcp 1.19`. */
	readonly title: string;
	/** Commands that create the project. */
	readonly before: readonly string[];
	/** Returns the command that this reader types instead of a printed one. */
	translate(command: string): string;
	/** Returns what this reader writes instead of the printed file. */
	edit(content: string): string;
}

export interface Surroundings {
	/** A new folder for this document. */
	readonly folder: string;
	/** A checkout of the repository with its dependencies. */
	readonly checkout: string;
	readonly env: NodeJS.ProcessEnv;
	readonly networks: NetworkFactory;
	/** Held from the first server of a document to its end, unless the document has a network of its own. */
	readonly ports: Limit;
	readonly report: Report;
	readonly variation?: Variation;
	/** Whether the folder stays: a project with wrangler takes a quarter of a gigabyte. */
	readonly keep: boolean;
}

/**
 * Does what a reader of the document does, and reports each block. Ends with the first failure.
 *
 * @returns whether everything passed.
 */
export async function runDocument(
	{ page, steps }: RunnableDocument,
	surroundings: Surroundings,
): Promise<boolean> {
	const { report, variation } = surroundings;
	const prefix = variation ? `${variation.title}: ` : '';
	const reader = new Reader(surroundings, await surroundings.networks.create());
	try {
		for (const command of variation?.before ?? []) {
			const text = { line: 0, text: command };
			if (!(await report.try(`${prefix}${command}`, () => reader.prepare(text)))) return false;
		}
		for (const step of steps) {
			const title = `${prefix}${page}:${step.line}`;
			if (step.kind === 'skipped') {
				report.skip(title, step.reason);
			} else if (step.kind === 'file') {
				reader.createFile(step);
				report.pass(title, `creates ${step.path}`);
			} else if (!(await report.try(title, () => reader.execute(page, step)))) {
				return false;
			}
		}
		const sources = reader.sources;
		let hasPassed = true;
		if (sources.length > 0)
			hasPassed = await report.try(`${prefix}${page}: its files compile`, () =>
				compileStrictly(sources),
			);
		for (const url of reader.endpoints) {
			const title = `${prefix}${page}: the official clients call a tool`;
			hasPassed = (await report.try(title, () => reader.callTools(url))) && hasPassed;
		}
		return hasPassed;
	} finally {
		await reader.leave();
		if (!surroundings.keep)
			await rm(surroundings.folder, { recursive: true, force: true, maxRetries: 5 });
	}
}

class Reader {
	readonly #network: ReaderNetwork;
	readonly #surroundings: Surroundings;
	readonly #shells = new Map<Place, Shell>();
	readonly #created = new Set<string>();
	#releasePorts: (() => void) | undefined;

	constructor(surroundings: Surroundings, network: ReaderNetwork) {
		this.#network = network;
		this.#surroundings = surroundings;
	}

	/** The TypeScript files that the document has the reader create outside of the checkout. */
	get sources(): string[] {
		return [...this.#created].filter((path) => path.endsWith('.ts'));
	}

	/** The MCP endpoints of the servers that the document starts outside of the checkout. */
	get endpoints(): string[] {
		const { origins = [] } = this.#shells.get('empty') ?? {};
		return origins.map((origin) => `${origin}/mcp`);
	}

	async callTools(url: string): Promise<string> {
		const output = await this.#shell('empty').callTools(url);
		return output.split('\n').at(-1) ?? '';
	}

	/** Runs a command that creates the project in which the document is followed. */
	async prepare(command: ShellCommand): Promise<void> {
		await this.#executeCommand(this.#shell('empty'), command);
	}

	createFile({ path, content, place }: FileStep): void {
		const file = join(this.#shell(place).folder, path);
		mkdirSync(dirname(file), { recursive: true });
		writeFileSync(file, this.#surroundings.variation?.edit(content) ?? content);
		if (place === 'empty') this.#created.add(file);
	}

	/** Executes a block and resolves with what it did. */
	async execute(page: string, { text, line, place, expected }: CommandsStep): Promise<string> {
		const shell = this.#shell(place);
		let output = '';
		// The fence is on `line`.
		const translate = this.#surroundings.variation?.translate ?? ((printed: string) => printed);
		const commands = splitCommands(text, line + 1).map((command) => ({
			...command,
			text: translate(command.text),
		}));
		for (const command of commands) {
			try {
				output += await this.#executeCommand(shell, command);
			} catch (failure) {
				if (!(failure instanceof CommandFailedError)) throw failure;
				const at = `${page}:${command.line}: ${command.text}`;
				throw new CommandFailedError(`${at}\n${failure.message}`);
			}
		}
		for (const part of expected) {
			if (!output.includes(part))
				throw new CommandFailedError(
					`${page}:${line} does not print ${JSON.stringify(part)}:\n${output}${shell.serverOutput}`,
				);
		}
		return commands.map((command) => command.text.split('\n')[0]).join('; ');
	}

	async leave(): Promise<void> {
		await Promise.all([...this.#shells.values()].map((shell) => shell.stop()));
		await this.#network.stop();
		this.#releasePorts?.();
	}

	async #executeCommand(shell: Shell, command: ShellCommand): Promise<string> {
		if (startsServer(command.text)) {
			if (!this.#network.isIsolated)
				this.#releasePorts ??= await this.#surroundings.ports.acquire();
			return shell.serve(command);
		}
		const { status, output } = await shell.run(command);
		const failure = status === 0 ? httpFailure(command.text, output) : `status ${status}`;
		if (failure === undefined) return output;
		const servers = shell.serverOutput && `\nThe servers printed:\n${shell.serverOutput}`;
		throw new CommandFailedError(`${failure}\n${output}${servers}`);
	}

	#shell(place: Place): Shell {
		const found = this.#shells.get(place);
		if (found) return found;
		const { folder, checkout, env } = this.#surroundings;
		const home = join(folder, 'project');
		mkdirSync(home, { recursive: true });
		// The release has changed manifests of the checkout; without this, pnpm would install again.
		const inCheckout = { ...env, pnpm_config_verify_deps_before_run: 'false' };
		const [start, variables] = place === 'empty' ? [home, env] : [checkout, inCheckout];
		const shell = new Shell(start, join(folder, `shell-${place}`), variables, this.#network);
		this.#shells.set(place, shell);
		return shell;
	}
}

/**
 * Returns how an HTTP request failed that curl counts as done: an error status with `-i`, or a JSON-RPC
 * error. A comment after the command that names the status (`# 401`) expects it.
 */
function httpFailure(command: string, output: string): string | undefined {
	if (!/\bcurl\b/.test(command)) return undefined;
	const [, status] = /^HTTP\/[\d.]+ ([45]\d\d)/m.exec(output) ?? [];
	const expected = /#.*\b([45]\d\d)\b/.exec(command)?.[1];
	if (expected !== undefined) return output.includes(expected) ? undefined : `expected ${expected}`;
	if (status !== undefined) return `answered with ${status}`;
	return /"jsonrpc".*"error":|"error":.*"jsonrpc"/.test(output) ? 'a JSON-RPC error' : undefined;
}
