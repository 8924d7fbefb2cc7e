/** A TypeScript block of a page, or the result of applying a diff block, as a module. */
export interface Snippet {
	/** Path of the page, relative to the repository. */
	readonly page: string;
	/** The file name that the page gives, or the line of the block. */
	readonly file: string;
	/** The block as printed. */
	readonly code: string;
	/** The module: the block with its imports, on the page's line numbers. */
	readonly text: string;
}

const block = /^```(ts|diff)(?: title="([^"]+)")?\n([^]*?)^```$/gm;
/** Matches a paragraph right above a block that begins with the file's name. */
const nameAbove = /(?:^|\n)`([\w./-]+\.ts)`[^\n]*\n\n$/;
const importStatement = /^import\b[^;]*;/gm;
/** Matches a comment that names the package of a name on its line. */
const packageInComment = /\/\/ (?:from )?(@tmcp-sessions\/[\w-]+(?:\/[\w-]+)?)/g;

/**
 * Extracts the TypeScript blocks of a page. A block with a title is a file that the reader creates, so
 * it must have its own imports. Other blocks may use the imports of the blocks above them. A block
 * without imports is a fragment and may use every export of the packages; other blocks may also
 * use the exports of the packages that their comments name.
 *
 * @param exported maps each exported name to its entry point.
 */
export function snippetsOf(
	page: string,
	markdown: string,
	exported: ReadonlyMap<string, string>,
): Snippet[] {
	const imported = new Map<string, string>();
	return [...markdown.matchAll(block)].map(({ index, 1: language, 2: title, 3: shown = '' }) => {
		const code = language === 'diff' ? afterDiff(shown) : shown;
		const above = markdown.slice(0, index);
		const line = above.split('\n').length;
		const own = [...code.matchAll(importStatement)].map(([statement]) => statement);
		const named = new Set([...code.matchAll(packageInComment)].map(([, name]) => name));
		const found = [...exported].filter(([, from]) => own.length === 0 || named.has(from));
		const known = new Map([...statementsFor(found), ...imported]);
		for (const statement of own) {
			for (const [name, alone] of eachImport(statement)) imported.set(name, alone);
		}
		const needed = [...known]
			.filter(([name]) => title === undefined && isNeeded(name, code))
			.map(([, text]) => text);
		// The imports go on the line of the opening fence. `export {}` makes the block a module.
		const lines = [...Array<string>(line - 1).fill(''), [...needed, 'export {};'].join(' ')];
		const file = title ?? nameAbove.exec(above)?.[1] ?? `${line}.ts`;
		return { page, file, code, text: `${lines.join('\n')}\n${code}` };
	});
}

/** Returns the result of a diff, on the same line numbers. */
function afterDiff(diff: string): string {
	return diff.replaceAll(/^-.*$/gm, '').replaceAll(/^[+ ]/gm, '');
}

function statementsFor(exported: readonly (readonly [string, string])[]): [string, string][] {
	return exported.map(([name, from]) => [name, `import { ${name} } from '${from}';`]);
}

/** Splits an import statement into one statement for each name. */
function eachImport(statement: string): [string, string][] {
	const [, kind = '', names = '', from = ''] =
		/^import( type)?\s+\{([^}]*)\}\s+from\s+('[^']+')/.exec(statement) ?? [];
	if (from === '') {
		const [, name = ''] = /^import\s+(?:\* as )?(\w+)/.exec(statement) ?? [];
		return name === '' ? [] : [[name, statement.replaceAll('\n', ' ')]];
	}
	return names
		.split(',')
		.map((name) => name.trim())
		.filter((name) => name !== '')
		.map((name) => [name.split(' as ').at(-1) ?? name, `import${kind} { ${name} } from ${from};`]);
}

/** Returns whether a block uses a name that it neither imports nor declares. */
function isNeeded(name: string, code: string): boolean {
	const imports = [...code.matchAll(importStatement)].flatMap(([each]) => eachImport(each));
	if (imports.some(([own]) => own === name)) return false;
	if (new RegExp(`\\b(?:const|let|class|function|interface)\\s+${name}\\b`).test(code))
		return false;
	return new RegExp(`\\b${name}\\b`).test(code.replaceAll(importStatement, ''));
}
