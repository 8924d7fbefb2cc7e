/** A mistake in the code or the configuration of a project. */
export interface Problem {
	/** The rule that found it. */
	readonly rule: string;
	/** `warning`: the server works, but not as its author may expect. */
	readonly severity: 'error' | 'warning';
	/** The path of the file from the folder of the project. */
	readonly file: string;
	/** From 1. */
	readonly line: number;
	readonly message: string;
	/** What to do, in words and with the lines to add. */
	readonly fix: string;
	/** The change that `--fix` makes, if it is safe. */
	readonly repair?: Repair;
}

/** Describes a change of `--fix`, which removes nothing. */
export type Repair =
	| {
			readonly kind: 'edit-config';
			readonly path: readonly (string | number)[];
			readonly value: unknown;
	  }
	| { readonly kind: 'rename-class'; readonly from: string; readonly to: string }
	| { readonly kind: 'append'; readonly file: string; readonly text: string }
	| { readonly kind: 'add-key'; readonly file: string; readonly name: string };
