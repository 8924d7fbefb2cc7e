import type { Snippet } from './snippet.ts';

/** A table of options, as a module that compiles if it has a row for each option and no other row. */
export interface OptionTable extends Snippet {
	/** The names of the types whose options the table documents. */
	readonly types: readonly string[];
}

const marked = /^<!-- options: ([^>]*?) -->\n+((?:\|.*\n)+)(?:\n(Also, .*))?/gm;
/** Matches the names in the first cell of a row. */
const firstCell = /^\|([^|]*)\|/;
const optionsType = /(?:Options|Settings)$/;

/**
 * Extracts the tables of options. The comment `<!-- options: A, B -->` before a table names the types
 * whose options it documents. A paragraph after it that begins with "Also, " may name further ones.
 *
 * @param types maps each exported type to its entry point.
 */
export function optionTablesOf(
	page: string,
	markdown: string,
	types: ReadonlyMap<string, string>,
): OptionTable[] {
	return [...markdown.matchAll(marked)].map(
		({ index, 1: list = '', 2: table = '', 3: also = '' }) => {
			const line = markdown.slice(0, index).split('\n').length;
			const names = list.split(/,\s*/);
			const imports = names.map((name) => `import type { ${name} } from '${types.get(name)}';`);
			const keys = names.map((name) => `keyof ${name}`).join(' | ');
			const code = optionsIn(table, also)
				.map((option) => `${option}: true`)
				.join(', ');
			const text = `${imports.join(' ')} export const table: Record<${keys}, true> = { ${code} };`;
			const file = `options-${line}.ts`;
			return { page, file, code, text: `${'\n'.repeat(line - 1)}${text}`, types: names };
		},
	);
}

/** Returns a line for each exported type of options that no table documents. */
export function undocumentedOptions(
	types: ReadonlyMap<string, string>,
	tables: readonly OptionTable[],
): string[] {
	const documented = new Set(tables.flatMap((table) => table.types));
	return [...types]
		.filter(([name]) => optionsType.test(name) && !documented.has(name))
		.map(
			([name, entry]) => `no table documents ${name} of ${entry}: add <!-- options: ${name} -->`,
		);
}

function optionsIn(table: string, also: string): string[] {
	const rows = table.split('\n').slice(2);
	const cells = rows.map((row) => firstCell.exec(row)?.[1] ?? '');
	return [...cells, also].flatMap((text) =>
		[...text.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
	);
}
