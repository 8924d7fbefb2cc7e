import { markdownTable } from 'markdown-table';
import { kinds, stepNames } from './client-adapter.ts';
import type { StepName } from './client-adapter.ts';
import type { ClientResult, Results } from './results.ts';

/** Formats the results as a table with footnotes. */
export function formatTable({ pairs, clients }: Results): string {
	const footnotes: string[] = [];
	const note = (text: string): string => {
		if (!footnotes.includes(text)) footnotes.push(text);
		return `[^${footnotes.indexOf(text) + 1}]`;
	};
	const rows = clients.map((client) => [
		client.title,
		client.version ?? 'not run',
		client.date,
		client.revision ?? '',
		...stepNames.map((step) => cellOf(client, step, pairs, note)),
	]);
	const table = markdownTable([['client', 'version', 'run on', 'revision', ...stepNames], ...rows]);
	const notes = footnotes.map((text, index) => `[^${index + 1}]: ${text}`);
	return [table, ...notes].join('\n\n');
}

function cellOf(
	client: ClientResult,
	step: StepName,
	pairs: number,
	note: (text: string) => string,
): string {
	if (client.notRun !== undefined) return `not run${note(client.notRun)}`;
	const lack = client.lacks[step];
	if (lack !== undefined) return `–${note(lack)}`;
	const failure = client.failures[step];
	if (failure) return `${pairs - failure.pairs}/${pairs}${note(failure.first)}`;
	const passed = `${pairs}/${pairs}`;
	const listsAll = client.lists === kinds.join(', ');
	if (step !== 'list' || listsAll) return passed;
	return `${passed}${note(`The client's API lists only ${client.lists.replace(', ', ' and ')}.`)}`;
}
