import { build } from 'esbuild';
import type { BuildFailure, Message } from 'esbuild';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { lineAt } from './read-config.ts';

/** A place in a file of the project. */
export interface Place {
	readonly file: string;
	readonly line: number;
}

/** A call of something that a package exports, such as `new KVInfoSessionManager('SESSIONS')`. */
export interface Construction {
	/** The class, or the function. */
	readonly className: string;
	/** Whether `fromEnv` of the class is called. */
	readonly isFromEnv: boolean;
	/** The first argument: a text, the source of an object, or `computed` for another expression. */
	readonly argument:
		{ readonly text: string } | { readonly object: string } | 'computed' | undefined;
	readonly place: Place;
}

/** What the entry of a Worker uses and exports. */
export interface Entry {
	/** The path from the folder of the project. */
	readonly file: string;
	/** The names that the entry exports; `default` for a default export. */
	readonly exportNames: readonly string[];
	/** The packages that the code imports. */
	readonly packages: readonly string[];
	readonly constructions: readonly Construction[];
	/** The code after tree shaking, with the imports of packages. */
	readonly code: string;
	/** The files of the project that the entry consists of. */
	readonly sources: ReadonlyMap<string, string>;
}

/** An entry that esbuild cannot bundle. */
export interface Unreadable {
	readonly place: Place;
	readonly message: string;
}

/** Bundles the entry without its packages, and reads what it uses. */
export async function readEntry(folder: string, file: string): Promise<Entry | Unreadable> {
	if (!existsSync(join(folder, file))) {
		return { place: { file, line: 1 }, message: `the entry ${file} does not exist` };
	}
	try {
		const { metafile, outputFiles } = await build({
			absWorkingDir: folder,
			entryPoints: [file],
			bundle: true,
			write: false,
			outdir: 'out',
			format: 'esm',
			platform: 'neutral',
			target: 'esnext',
			packages: 'external',
			external: ['cloudflare:*', 'node:*'],
			treeShaking: true,
			metafile: true,
			logLevel: 'silent',
		});
		const [output] = Object.values(metafile.outputs);
		const code = outputFiles[0]?.text ?? '';
		const sources = new Map(
			Object.keys(metafile.inputs).map((path) => [path, readFileSync(join(folder, path), 'utf8')]),
		);
		const imported = output?.imports.map(({ path }) => packageOf(path)) ?? [];
		return {
			file,
			code,
			sources,
			exportNames: output?.exports ?? [],
			packages: [...new Set(imported)].filter((name) => !/^(?:cloudflare|node):/.test(name)),
			constructions: constructionsOf(code, sources),
		};
	} catch (error) {
		// Safe because esbuild rejects with its own error.
		const [first] = (error as Partial<BuildFailure>).errors ?? [];
		if (!first) throw error;
		return unreadable(file, first);
	}
}

function unreadable(entry: string, { location, text }: Message): Unreadable {
	return {
		place: { file: location?.file ?? entry, line: location?.line ?? 1 },
		message: `the entry does not bundle: ${text}`,
	};
}

function packageOf(specifier: string): string {
	const [scope = '', name = ''] = specifier.split('/');
	return scope.startsWith('@') ? `${scope}/${name}` : scope;
}

/** Finds the calls of what packages export. esbuild prints imports in one form. */
function constructionsOf(code: string, sources: ReadonlyMap<string, string>): Construction[] {
	const imports = new Map<string, string>();
	for (const [, names = ''] of code.matchAll(/^import \{([^}]*)\} from "[^"]+";$/gm)) {
		for (const entry of names.split(',')) {
			const [name = '', local = name] = entry.trim().split(' as ');
			if (name !== '') imports.set(local, name);
		}
	}
	const calls = /\b([\w$]+)(\.fromEnv)?\(\s*("(?:[^"\\]|\\.)*"|[^\s)])?/g;
	return [...code.matchAll(calls)].flatMap(
		({ 0: { length }, 1: local = '', 2: fromEnv, 3: first, index }) => {
			const className = imports.get(local);
			if (className === undefined) return [];
			return {
				className,
				isFromEnv: fromEnv !== undefined,
				argument: argumentOf(first, code.slice(index + length)),
				place: placeOf(new RegExp(String.raw`\b${className}(?:\.fromEnv)?\s*\(`), sources),
			};
		},
	);
}

/** @param first the first argument if it is a text, or else its first character. */
function argumentOf(first: string | undefined, rest: string): Construction['argument'] {
	if (first === undefined || first === 'void') return undefined;
	if (first.startsWith('"')) return { text: first.slice(1, -1) };
	return first === '{' ? { object: rest.split('})', 1)[0] ?? '' } : 'computed';
}

/** Returns the first place in the sources that a pattern matches. */
export function placeOf(pattern: RegExp, sources: ReadonlyMap<string, string>): Place {
	for (const [file, text] of sources) {
		const index = text.search(pattern);
		if (index !== -1) return { file, line: lineAt(text, index) };
	}
	return { file: [...sources.keys()].at(-1) ?? '', line: 1 };
}
