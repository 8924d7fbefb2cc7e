import { styleText } from 'node:util';

/** A stream that text is written to. */
interface Output {
	readonly isTTY?: boolean | undefined;
	write(text: string): unknown;
}

/** Everything that a command reads from its surroundings, so that tests run it in their own process. */
export interface Terminal {
	readonly stdout: Output;
	readonly stderr: Output;
	/** Whether a person can answer questions. */
	readonly isInteractive: boolean;
	readonly env: Readonly<Record<string, string | undefined>>;
	/** The folder that the command runs in. */
	readonly folder: string;
	/** Aborts at Ctrl-C. */
	readonly signal: AbortSignal;
}

/** A colour of text. */
export type Colour = 'green' | 'red' | 'yellow' | 'gray' | 'bold' | 'cyan';

/** Whether colours are on: a terminal shows the text, and `NO_COLOR` (no-color.org) is not set. */
export function hasColours({ stdout, env }: Pick<Terminal, 'stdout' | 'env'>): boolean {
	return stdout.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

/** Colours a text, if colours are on. */
export function paint(
	terminal: Pick<Terminal, 'stdout' | 'env'>,
	colour: Colour,
	text: string,
): string {
	return hasColours(terminal) ? styleText(colour, text, { validateStream: false }) : text;
}

/** Prints one line. */
export function printLine({ stdout }: Pick<Terminal, 'stdout'>, line = ''): void {
	stdout.write(`${line}\n`);
}

/** Prints a value as JSON. */
export function printJson({ stdout }: Pick<Terminal, 'stdout'>, value: unknown): void {
	stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}
