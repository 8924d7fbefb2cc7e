import { spawnSync } from 'node:child_process';

/** A command of a block: one line, or several if it goes on. */
export interface ShellCommand {
	readonly line: number;
	readonly text: string;
}

/** Splits a block into commands, with the document's line numbers. Comments and empty lines are left out. */
export function splitCommands(block: string, firstLine: number): ShellCommand[] {
	const commands: ShellCommand[] = [];
	let text = '';
	let start = firstLine;
	for (const [index, line] of block.split('\n').entries()) {
		if (text === '') start = firstLine + index;
		text = text === '' ? line : `${text}\n${line}`;
		if (!isComplete(text)) continue;
		if (!/^\s*(?:#.*)?$/.test(text)) commands.push({ line: start, text });
		text = '';
	}
	if (text !== '') commands.push({ line: start, text });
	return commands;
}

/** Asks the shell whether quotes, heredocs and compound commands are closed. */
function isComplete(text: string): boolean {
	if (text.endsWith('\\')) return false;
	if (!/['"`$(){}<]|\b(?:do|then|case)\b/.test(text)) return true;
	// bash only warns about a heredoc without its end.
	const { status, stderr } = spawnSync('bash', ['-n', '-c', text], { encoding: 'utf8' });
	return status === 0 ? stderr === '' : !/unexpected (?:EOF|end of file)/.test(stderr);
}

const serverCommand = new RegExp(
	[
		String.raw`\b(?:wrangler|next|vite|vercel) (?:dev|start|preview)\b`,
		String.raw`\b(?:npm|bun|pnpm(?:@\S+)?) (?:run )?(?:dev|start)\b`,
		String.raw`^(?:\w+=\S+ )*(?:node|deno|bun|npx tsx)\b.*\b(?:node|deno|bun|server|index|main|serve)\.[tj]s\b`,
	].join('|'),
);

/** Returns whether the command starts a server, which runs until the document ends. */
export function startsServer(text: string): boolean {
	return serverCommand.test(text);
}
