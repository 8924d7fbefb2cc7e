import type { AnyNode } from 'acorn';
import { build } from 'esbuild';
import type { BuildFailure, BuildResult, Message } from 'esbuild';
import { existsSync, readFileSync } from 'node:fs';
import { isBuiltin, SourceMap } from 'node:module';
import type { SourceMapPayload } from 'node:module';
import { join, relative } from 'node:path';

import { lineAt } from './read-config.ts';
import { importedBy, isCall, packageOf, parseSyntax, resolved } from './syntax.ts';
import type { Call, Syntax } from './syntax.ts';

/** A place in a file of the project. */
export interface Place {
	readonly file: string;
	readonly line: number;
}

/** A call of something that a package exports, such as `new KVInfoSessionManager('SESSIONS')`. */
export interface Construction {
	/** The class, or the function. */
	readonly className: string;
	readonly packageName: string;
	/** The path of its module, such as `@tmcp-sessions/http/legacy-sse`. */
	readonly specifier: string;
	/** Whether `fromEnv` of the class is called. */
	readonly isFromEnv: boolean;
	/** The arguments, with names of the module resolved. */
	readonly args: readonly AnyNode[];
	readonly node: Call;
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
	readonly syntax: Syntax;
	/** The files of the project that the entry consists of. */
	readonly sources: ReadonlyMap<string, string>;
	/** Returns where a node of the syntax tree is in the files of the project. */
	readonly placeAt: (node: AnyNode) => Place;
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
		return entryOf(folder, file, await bundle(folder, file));
	} catch (error) {
		// Safe because esbuild rejects with its own error.
		const [first] = (error as Partial<BuildFailure>).errors ?? [];
		if (!first) throw error;
		return unreadable(file, first);
	}
}

/** Nothing is written there. */
const OUTPUT = 'out';

type Bundle = BuildResult<{ readonly metafile: true; readonly write: false }>;

function bundle(folder: string, file: string): Promise<Bundle> {
	return build({
		absWorkingDir: folder,
		entryPoints: [file],
		bundle: true,
		write: false,
		outdir: OUTPUT,
		format: 'esm',
		platform: 'neutral',
		target: 'esnext',
		// esbuild translates syntax that the parser does not read.
		supported: { decorators: false, using: false },
		loader: { '.bin': 'empty', '.html': 'text', '.sql': 'text', '.txt': 'text', '.wasm': 'empty' },
		packages: 'external',
		external: ['cloudflare:*', 'node:*'],
		treeShaking: true,
		metafile: true,
		sourcemap: 'external',
		logLevel: 'silent',
	});
}

function entryOf(folder: string, file: string, { metafile, outputFiles }: Bundle): Entry {
	const output = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint !== undefined);
	const textOf = (extension: string): string | undefined =>
		outputFiles.find(({ path }) => path.endsWith(extension))?.text;
	const code = textOf('.js') ?? '';
	const sources = new Map(
		Object.keys(metafile.inputs)
			.filter((path) => existsSync(join(folder, path)))
			.map((path) => [path, readFileSync(join(folder, path), 'utf8')]),
	);
	const imported = output?.imports.map(({ path }) => packageOf(path)) ?? [];
	const syntax = parseSyntax(code);
	const placeAt = placesOf(textOf('.js.map') ?? '{}', folder, file);
	return {
		file,
		code,
		syntax,
		sources,
		placeAt,
		exportNames: output?.exports ?? [],
		packages: [...new Set(imported)].filter(
			(name) => !/^(?:cloudflare|node):/.test(name) && !isBuiltin(name),
		),
		constructions: constructionsOf(syntax, placeAt),
	};
}

/** Returns a function that finds the places of nodes by the source map of esbuild. */
function placesOf(map: string, folder: string, entry: string): Entry['placeAt'] {
	// Safe because esbuild writes source maps of this shape.
	const sourceMap = new SourceMap(JSON.parse(map) as SourceMapPayload);
	return ({ loc }) => {
		const found = loc && sourceMap.findEntry(loc.start.line - 1, loc.start.column);
		if (!found || !('originalSource' in found)) return { file: entry, line: 1 };
		const path = relative(folder, join(folder, OUTPUT, found.originalSource));
		return { file: path.replaceAll('\\', '/'), line: found.originalLine + 1 };
	};
}

function unreadable(entry: string, { location, text }: Message): Unreadable {
	return {
		place: { file: location?.file ?? entry, line: location?.line ?? 1 },
		message: `the entry does not bundle: ${text}`,
	};
}

/** Finds the calls of what packages export. */
function constructionsOf(syntax: Syntax, placeAt: Entry['placeAt']): Construction[] {
	return syntax.nodes.filter(isCall).flatMap((node) => {
		const { callee } = node;
		const isFromEnv =
			callee.type === 'MemberExpression' &&
			callee.property.type === 'Identifier' &&
			callee.property.name === 'fromEnv';
		const imported = importedBy(syntax, isFromEnv ? callee.object : callee);
		if (imported === undefined) return [];
		const { name: className, packageName, specifier } = imported;
		return {
			className,
			packageName,
			specifier,
			isFromEnv,
			args: node.arguments.map((argument) => resolved(syntax, argument)),
			node,
			place: placeAt(node),
		};
	});
}

/** Returns the first place in the sources that a pattern matches. */
export function placeOf(pattern: RegExp, sources: ReadonlyMap<string, string>): Place {
	for (const [file, text] of sources) {
		const index = text.search(pattern);
		if (index !== -1) return { file, line: lineAt(text, index) };
	}
	return { file: [...sources.keys()].at(-1) ?? '', line: 1 };
}
