import { markdownTable } from 'markdown-table';

/** Formats a Markdown table as prettier does, whose columns have at least three characters. */
export function table(head: string, rows: readonly (readonly string[])[]): string {
	const cells = [head.split(' | '), ...rows];
	return markdownTable(cells.map((row) => row.map((cell) => cell.padEnd(3))));
}
