import { TASK_WORKFLOW_EXPORT } from '@tmcp-sessions/core/internal';
import { dirname, relative } from 'node:path';

import { declaredBindings, environmentsOf, textOf } from '../declared-bindings.ts';
import { isFamilyClass } from '../family-classes.ts';
import { bindingKinds } from '../manager-classes.ts';
import { nearest } from '../nearest.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import type { ConfigPath, WranglerConfig } from '../read-config.ts';
import { placeOf } from '../read-entry.ts';

/** How a class is stored, as migrations or `exports` declare it. */
interface Storage {
	readonly kind: 'sqlite' | 'key-value' | 'deleted';
	readonly path: ConfigPath;
}

/** The states of an entry of `exports` whose class the code no longer has. */
const GONE = new Set(['deleted', 'renamed', 'transferred']);

/** Checks that the classes of all bindings are exported, and that Durable Objects have SQLite storage. */
export function* checkClasses({ config, entry }: Project): Generator<Problem> {
	const storage = storageOf(config);
	const renamed = renamedClass(config, entry.exportNames, storage);
	const seen = new Set<string>();
	for (const { root } of environmentsOf(config)) {
		for (const { className, kind, path, scriptName } of declaredBindings(config, root)) {
			if (className === undefined || scriptName !== undefined || seen.has(className)) continue;
			seen.add(className);
			const line = config.lineOf(...path);
			yield* checkExport(className, line, { config, entry });
			if (kind === 'a Workflow') continue;
			const found = storage.get(className);
			if (found?.kind === 'sqlite') continue;
			// Only the classes of this family need SQLite.
			if (found?.kind === 'key-value' && !isFamilyClass(entry, className)) continue;
			yield found
				? wrongStorage(className, found, config)
				: withoutMigration(
						className,
						line,
						config,
						className === renamed?.to ? renamed : undefined,
					);
		}
	}
	for (const [className, { kind, path }] of storage) {
		if (kind === 'deleted' || seen.has(className) || entry.exportNames.includes(className))
			continue;
		const similar = nearest(className, entry.exportNames);
		yield {
			rule: 'classes',
			severity: 'error',
			file: config.file,
			line: config.lineOf(...path),
			message: `${entry.file} does not export the class ${className}, which ${path[0]} creates: the deployment fails`,
			fix: similar
				? `write ${similar}, which ${entry.file} exports`
				: `export the class from ${entry.file}, or remove it from "${path[0]}" if it was never deployed`,
			...caseRepair(className, entry.exportNames),
		};
	}
}

/** Checks that the entry exports a class, and the one of the right package. */
function* checkExport(
	className: string,
	line: number,
	{ config, entry }: Pick<Project, 'config' | 'entry'>,
): Generator<Problem> {
	const exportLine = exportLineOf(className);
	if (!entry.exportNames.includes(className)) {
		yield notExported(className, line, exportLine, { config, entry });
		return;
	}
	const exported = entry.syntax.exports.get(className);
	const packageName = /'([^']+)'/.exec(exportLine ?? '')?.[1];
	if (typeof exported !== 'object' || packageName === undefined) return;
	if (exported.packageName === packageName) return;
	yield {
		rule: 'classes',
		severity: 'error',
		...placeOf(new RegExp(String.raw`\b${className}\b`), entry.sources),
		message: `the class ${className} is that of ${exported.packageName}; the managers need that of ${packageName}`,
		fix: `write ${exportLine}`,
	};
}

/** Returns the line that exports a class of this family. */
function exportLineOf(className: string): string | undefined {
	if (className === 'TaskWorkflow') return TASK_WORKFLOW_EXPORT;
	const classes = bindingKinds().flatMap(({ durableObject }) => durableObject ?? []);
	return classes.find((each) => each.className === className)?.exportLine;
}

function notExported(
	className: string,
	line: number,
	exportLine: string | undefined,
	{ config, entry }: Pick<Project, 'config' | 'entry'>,
): Problem {
	const ofType = typeExport(className, entry);
	if (ofType) return ofType;
	const declaration = new RegExp(String.raw`\bclass ${className}\b`);
	const [declaring] = [...entry.sources].filter(([, text]) => declaration.test(text));
	const similar = nearest(
		className,
		entry.exportNames.filter((name) => name !== 'default'),
	);
	return {
		rule: 'classes',
		severity: 'error',
		file: config.file,
		line,
		message: `${entry.file} does not export the class ${className}, which a binding names`,
		...caseRepair(className, entry.exportNames),
		fix: exportLine
			? `add to ${entry.file}: ${exportLine}`
			: declaring
				? exportOf(className, declaring, entry.file)
				: similar
					? `set class_name to ${similar}, which ${entry.file} exports`
					: `export the class from ${entry.file}, or correct class_name`,
		...(exportLine && {
			repair: { kind: 'append', file: entry.file, text: `\n${exportLine}\n` },
		}),
	};
}

/** Returns the change to the name of an exported class that differs in the case of letters alone. */
function caseRepair(className: string, exportNames: readonly string[]): Pick<Problem, 'repair'> {
	const [to, another] = exportNames.filter(
		(name) => name.toLowerCase() === className.toLowerCase(),
	);
	if (to === undefined || another !== undefined) return {};
	return { repair: { kind: 'rename-class', from: className, to } };
}

/** Returns the problem of a class that the entry exports as a type only. */
function typeExport(className: string, { file, sources }: Project['entry']): Problem | undefined {
	const own = new Map([[file, sources.get(file) ?? '']]);
	const pattern = new RegExp(
		String.raw`\bexport type \{[^}]*\b${className}\b|\bexport \{[^}]*\btype ${className}\b`,
	);
	if (!pattern.test(own.get(file) ?? '')) return undefined;
	return {
		rule: 'classes',
		severity: 'error',
		...placeOf(pattern, own),
		message: `${file} exports the class ${className} as a type only, and a binding names it`,
		fix: 'remove the word type: the Worker needs the class',
	};
}

/** Says how to export a class that a file of the project declares. */
function exportOf(
	className: string,
	[file, text]: readonly [file: string, text: string],
	entry: string,
): string {
	const isExported = new RegExp(String.raw`\bexport (?:abstract )?class ${className}\b`).test(text);
	if (file === entry) return `write export before class ${className} in ${file}`;
	const path = relative(dirname(entry), file).replaceAll('\\', '/');
	return (
		`add to ${entry}: export { ${className} } from '${path.startsWith('.') ? path : `./${path}`}';` +
		(isExported ? '' : ` and write export before class ${className} in ${file}`)
	);
}

function wrongStorage(className: string, { kind, path }: Storage, config: WranglerConfig): Problem {
	return {
		rule: 'classes',
		severity: 'error',
		file: config.file,
		line: config.lineOf(...path),
		message:
			kind === 'deleted'
				? `the class ${className} is ${goneBy(config, path)}, and a binding names it`
				: `the class ${className} has no SQLite storage, which its package needs`,
		fix:
			kind === 'deleted'
				? 'remove the binding, or bind another class'
				: `if it was never deployed, move it to "new_sqlite_classes" (or "storage": "sqlite" in "exports"); ` +
					'a deployed class cannot change: use a class of another name',
	};
}

/** Says how a class ceased to be one of the Worker. */
function goneBy(config: WranglerConfig, path: ConfigPath): string {
	const state = path[0] === 'exports' ? textOf(config.get(...path), 'state') : undefined;
	return state === undefined ? 'deleted by a migration' : `${state} according to "exports"`;
}

/** A class whose migration has the name that it had before. */
interface Renamed {
	readonly from: string;
	readonly to: string;
}

/** Returns the class that was probably renamed: one is created and used by nothing, one is used and not created. */
function renamedClass(
	config: WranglerConfig,
	exportNames: readonly string[],
	storage: ReadonlyMap<string, Storage>,
): Renamed | undefined {
	const bound = new Set(
		environmentsOf(config).flatMap(({ root }) =>
			declaredBindings(config, root).flatMap(({ className, kind, scriptName }) =>
				className !== undefined && kind !== 'a Workflow' && scriptName === undefined
					? [className]
					: [],
			),
		),
	);
	const missing = [...bound].filter((name) => !storage.has(name));
	const unused = [...storage].flatMap(([name, { kind }]) =>
		kind === 'deleted' || bound.has(name) || exportNames.includes(name) ? [] : [name],
	);
	const [[to], [from]] = [missing, unused];
	const isOne = missing.length === 1 && unused.length === 1;
	return isOne && from !== undefined && to !== undefined ? { from, to } : undefined;
}

function withoutMigration(
	className: string,
	line: number,
	config: WranglerConfig,
	renamed: Renamed | undefined,
): Problem {
	const migrations = config.list('migrations');
	const hasExports = config.get('exports') !== undefined;
	const tag = `v${migrations.length + 1}`;
	const isFree = !migrations.some((migration) => textOf(migration, 'tag') === tag);
	const entry = { type: 'durable-object', storage: 'sqlite' };
	const migration = { tag, new_sqlite_classes: [className] };
	const problem: Problem = {
		rule: 'classes',
		severity: 'error',
		file: config.file,
		line,
		message: `no migration creates the class ${className}, which a binding names`,
		fix: '',
	};
	// A new class would begin without what the old one has stored.
	if (renamed && !hasExports) {
		return {
			...problem,
			message: `${problem.message}; found ${renamed.from}, which nothing uses`,
			fix:
				`if ${className} is the new name of a deployed ${renamed.from}, add to "migrations": ` +
				`${JSON.stringify({ tag, renamed_classes: [renamed] })}; if nothing was deployed, write ${className} ` +
				`in place of ${renamed.from}`,
		};
	}
	return {
		...problem,
		fix: hasExports
			? `add to "exports": "${className}": ${JSON.stringify(entry)}`
			: `add to "migrations", after those that are deployed: ${JSON.stringify(migration)}`,
		...((hasExports || isFree) && {
			repair: hasExports
				? { kind: 'edit-config', path: ['exports', className], value: entry }
				: { kind: 'edit-config', path: ['migrations', migrations.length], value: migration },
		}),
	};
}

/** Returns how the classes of a configuration are stored. */
export function storageOf(config: WranglerConfig): Map<string, Storage> {
	const storage = new Map<string, Storage>();
	const set = (name: unknown, kind: Storage['kind'], path: ConfigPath): void => {
		if (typeof name === 'string') storage.set(name, { kind, path });
	};
	for (const index of config.list('migrations').keys()) {
		const path = ['migrations', index];
		for (const name of config.list(...path, 'new_classes')) set(name, 'key-value', path);
		for (const name of config.list(...path, 'new_sqlite_classes')) set(name, 'sqlite', path);
		for (const name of config.list(...path, 'deleted_classes')) set(name, 'deleted', path);
		for (const renamed of [
			...config.list(...path, 'renamed_classes'),
			...config.list(...path, 'transferred_classes'),
		]) {
			const from = textOf(renamed, 'from');
			// A transferred class keeps the storage that it had in the other Worker.
			const { kind } = storage.get(from ?? '') ?? { kind: 'sqlite' };
			if (from !== undefined) storage.delete(from);
			set(textOf(renamed, 'to'), kind, path);
		}
	}
	for (const name of Object.keys(Object(config.get('exports')) as object)) {
		if (config.get('exports', name, 'type') !== 'durable-object') continue;
		const path = ['exports', name];
		const state = config.get(...path, 'state');
		const isSqlite = config.get(...path, 'storage') === 'sqlite';
		const isGone = typeof state === 'string' && GONE.has(state);
		set(name, isGone ? 'deleted' : isSqlite ? 'sqlite' : 'key-value', path);
	}
	return storage;
}

/** Checks the tags of migrations, and that classes are declared in one way. */
export function* checkMigrations({ config }: Project): Generator<Problem> {
	const problem = (path: ConfigPath, message: string, fix: string): Problem => ({
		rule: 'migrations',
		severity: 'error',
		file: config.file,
		line: config.lineOf(...path),
		message,
		fix,
	});
	const tags = new Set<string>();
	const created = new Set<unknown>();
	for (const [index, migration] of config.list('migrations').entries()) {
		const tag = textOf(migration, 'tag');
		const path = ['migrations', index];
		if (tag === undefined) yield problem(path, 'a migration has no tag', 'give it a new tag');
		else if (tags.has(tag)) {
			yield problem(path, `two migrations have the tag ${tag}`, 'give the second one a new tag');
		} else tags.add(tag);
		for (const name of config.list(...path, 'deleted_classes')) created.delete(name);
		for (const field of ['new_classes', 'new_sqlite_classes']) {
			for (const name of config.list(...path, field)) {
				if (created.has(name)) {
					const fix = 'remove it from the one that is not deployed';
					yield problem(path, `two migrations create the class ${String(name)}`, fix);
				}
				created.add(name);
			}
		}
	}
	if (config.get('migrations') !== undefined && config.get('exports') !== undefined) {
		yield problem(
			['exports'],
			'classes are declared in "migrations" and in "exports"',
			'use one of them: a deployed Worker keeps the one that it has',
		);
	}
}
