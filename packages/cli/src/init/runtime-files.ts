/** The files of a new project, and what existing ones have to contain. */
export interface ProjectFiles {
	/** Files of their own: by path, the whole text. */
	readonly files: Readonly<Record<string, string>>;
	/** Fields of JSON files: by path, the fields to set where there are none. */
	readonly json: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
	/** Lines that text files must have. */
	readonly lines: Readonly<Record<string, readonly string[]>>;
	/** Secrets: by path, the variables and what creates their value. */
	readonly secrets: Readonly<Record<string, Readonly<Record<string, () => string>>>>;
	/** The commands to type next. */
	readonly next: readonly string[];
}

/** What the files of one runtime add to those of all. */
export interface RuntimeFiles extends Omit<ProjectFiles, 'lines'> {
	readonly scripts: Readonly<Record<string, string>>;
	readonly dependencies: readonly string[];
	readonly devDependencies: readonly string[];
	/** Options of the TypeScript compiler. */
	readonly compilerOptions: Readonly<Record<string, unknown>>;
	/** The folders with TypeScript, besides `test`. */
	readonly folders: readonly string[];
	readonly ignored: readonly string[];
}
