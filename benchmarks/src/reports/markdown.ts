import { markdownTable } from 'markdown-table';

/** Formats a Markdown table as prettier does, whose columns have at least three characters. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
	const cells = [head, ...rows].map((row) => row.map((cell) => cell.padEnd(3)));
	return markdownTable(cells);
}
