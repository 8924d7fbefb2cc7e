import { createTwoFilesPatch } from 'diff';

import { paint, printLine } from '../command/terminal.ts';
import type { Terminal } from '../command/terminal.ts';
import type { FileChange } from './plan-changes.ts';

/** Prints what would be written: a line for each new file, the difference for each that exists. */
export function showChanges(terminal: Terminal, changes: readonly FileChange[]): void {
	for (const { after, before, isSecret, path, replaces } of changes) {
		if (before === undefined) {
			printLine(terminal, `${paint(terminal, 'green', 'create')}  ${path}`);
			continue;
		}
		const word = replaces ? paint(terminal, 'red', 'replace') : paint(terminal, 'yellow', 'edit');
		printLine(terminal, `${word}  ${path}${isSecret ? ' (adds a secret)' : ''}`);
		if (isSecret) continue;
		const patch = createTwoFilesPatch(path, path, before, after, '', '', { context: 2 });
		for (const line of patch.split('\n').slice(3)) {
			const colour = line.startsWith('+') ? 'green' : line.startsWith('-') ? 'red' : 'gray';
			if (line !== '') printLine(terminal, `    ${paint(terminal, colour, line)}`);
		}
	}
}
