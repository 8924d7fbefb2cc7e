import { canonicalTools } from './tools-hash.ts';
import type { Tool } from './target.ts';

const MAX_LENGTH = 80;

/** Returns the differences of two lists of tools, one line each: `greet.inputSchema.type: "a" → "b"`. */
export function compareTools(before: readonly Tool[], after: readonly Tool[]): string[] {
	const [old, current] = [before, after].map(
		(tools) => new Map(canonicalTools(tools).map((tool) => [tool.name, tool])),
	);
	const names = new Set([...(old?.keys() ?? []), ...(current?.keys() ?? [])]);
	return [...names].toSorted().flatMap((name) => {
		const [was, is] = [old?.get(name), current?.get(name)];
		if (!was) return [`+ ${name}: added`];
		if (!is) return [`- ${name}: removed`];
		return differences(name, was, is);
	});
}

function differences(path: string, was: unknown, is: unknown): string[] {
	if (was === is) return [];
	if (isContainer(was) && isContainer(is) && Array.isArray(was) === Array.isArray(is)) {
		const keys = new Set([...Object.keys(was), ...Object.keys(is)]);
		return [...keys].flatMap((key) =>
			differences(`${path}.${key}`, Reflect.get(was, key), Reflect.get(is, key)),
		);
	}
	return [`~ ${path}: ${shown(was)} → ${shown(is)}`];
}

function isContainer(value: unknown): value is object {
	return typeof value === 'object' && value !== null;
}

function shown(value: unknown): string {
	if (value === undefined) return 'nothing';
	const text = JSON.stringify(value);
	return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}
