import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';

/** A failure whose message is all that the user needs: it is printed without a stack. */
export class CliError extends Error {
	override readonly name = 'CliError';
	readonly exitCode: ExitCode;

	constructor(message: string, exitCode: ExitCode = EXIT.usage) {
		super(message);
		this.exitCode = exitCode;
	}
}

/** Ctrl-C, or a prompt that was cancelled. */
export class InterruptedError extends CliError {
	constructor() {
		super('interrupted', EXIT.interrupted);
	}
}
