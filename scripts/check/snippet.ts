/** A TypeScript block of a page, or what a diff makes of one, as a module. */
export interface Snippet {
	/** Path of the page, from the repository. */
	readonly page: string;
	/** What the page calls the file, or else the line that the block begins in. */
	readonly file: string;
	/** The block itself. */
	readonly code: string;
	/** The module, on the lines of the page. */
	readonly text: string;
}

const block = /^```(ts|diff)\n([^]*?)^```$/gm;
/** A paragraph that begins with the file's name, right above its block. */
const nameAbove = /(?:^|\n)`([\w./-]+\.ts)`[^\n]*\n\n$/;
const importStatement = /^import\b[^;]*;/gm;
/** A comment that says where a name on its line comes from. */
const packageInComment = /\/\/ (?:from )?(@tmcp-sessions\/[\w-]+(?:\/[\w-]+)?)/g;

/**
 * The TypeScript of a page. A block goes on with what the blocks above it import. It also finds what
 * the family exports: all of it where it imports nothing itself, which makes it a fragment, and else
 * what the packages export that a comment in it names.
 *
 * @param exported what the family exports, with the package of each.
 */
export function snippetsOf(
	page: string,
	markdown: string,
	exported: ReadonlyMap<string, string>,
): Snippet[] {
	const imported = new Map<string, string>();
	return [...markdown.matchAll(block)].map(({ index, 1: language, 2: shown = '' }) => {
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
		const needed = [...known].filter(([name]) => isNeeded(name, code)).map(([, text]) => text);
		// The fence's line has room for what is added; without an import it would be a script.
		const lines = [...Array<string>(line - 1).fill(''), [...needed, 'export {};'].join(' ')];
		const file = nameAbove.exec(above)?.[1] ?? `${line}.ts`;
		return { page, file, code, text: `${lines.join('\n')}\n${code}` };
	});
}

/** What a diff leaves, on the same lines. */
function afterDiff(diff: string): string {
	return diff.replaceAll(/^-.*$/gm, '').replaceAll(/^[+ ]/gm, '');
}

function statementsFor(exported: readonly (readonly [string, string])[]): [string, string][] {
	return exported.map(([name, from]) => [name, `import { ${name} } from '${from}';`]);
}

/** Each name that a statement imports, with a statement for it alone. */
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

/** Whether a block uses a name that it neither imports nor declares. */
function isNeeded(name: string, code: string): boolean {
	const imports = [...code.matchAll(importStatement)].flatMap(([each]) => eachImport(each));
	if (imports.some(([own]) => own === name)) return false;
	if (new RegExp(`\\b(?:const|let|class|function|interface)\\s+${name}\\b`).test(code))
		return false;
	return new RegExp(`\\b${name}\\b`).test(code.replaceAll(importStatement, ''));
}
