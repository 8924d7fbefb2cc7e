import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { CliError } from '../command/cli-error.ts';
import type { Terminal } from '../command/terminal.ts';
import type { Tool, ToolCall } from './target.ts';

/** Returns the headers of the options `--header` and `--bearer-env`. Errors show no value. */
export function readHeaders(
	lines: readonly string[],
	bearerVariable: string | undefined,
	{ env }: Pick<Terminal, 'env'>,
): Record<string, string> {
	const entries = lines.map((line) => {
		const [, name = '', value = ''] = /^([!#$%&'*+.^`|~\w-]+):[ \t]*([^\r\n]*)$/.exec(line) ?? [];
		if (name === '')
			throw new CliError("--header must be 'Name: value'; got a text of another form");
		return [name.toLowerCase(), value.trim()] as const;
	});
	const headers = Object.fromEntries(entries);
	if (bearerVariable === undefined) return headers;
	const token = env[bearerVariable];
	if (!token) throw new CliError(`--bearer-env names ${bearerVariable}, which is not set`);
	return { ...headers, authorization: `Bearer ${token}` };
}

/** Reads a list of tools that `--save-tools` has written. */
export function readTools(file: string, { folder }: Pick<Terminal, 'folder'>): Tool[] {
	const problem = (found: string): CliError =>
		new CliError(`--expect-tools must name a file of --save-tools; ${file} ${found}`);
	let text: string;
	try {
		text = readFileSync(resolve(folder, file), 'utf8');
	} catch {
		throw problem('cannot be read');
	}
	try {
		const tools: unknown = JSON.parse(text);
		if (Array.isArray(tools) && tools.every(isTool)) return tools;
	} catch {
		throw problem('is not JSON');
	}
	throw problem('has no list of tools');
}

function isTool(value: unknown): value is Tool {
	return (
		typeof value === 'object' && value !== null && typeof Reflect.get(value, 'name') === 'string'
	);
}

/** Reads a call of a tool: `name`, or `name={"argument": 1}`. */
export function readToolCall(option: string, text: string | undefined): ToolCall | undefined {
	if (text === undefined) return undefined;
	const [, name = '', json = '{}'] = /^([^=]+)(?:=([^]*))?$/.exec(text) ?? [];
	try {
		const given: unknown = JSON.parse(json);
		if (name !== '' && typeof given === 'object' && given !== null && !Array.isArray(given)) {
			// Safe because an object may have any members.
			return { name, arguments: given as Readonly<Record<string, unknown>> };
		}
	} catch {
		throw new CliError(
			`the arguments in --${option} must be JSON: --${option} 'name={"argument": 1}'`,
		);
	}
	throw new CliError(`--${option} must be a name, or name={"argument": 1}`);
}
