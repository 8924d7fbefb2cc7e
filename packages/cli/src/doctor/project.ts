import type { WranglerConfig } from './read-config.ts';
import type { Entry } from './read-entry.ts';

/** A project of a Worker. */
export interface Project {
	readonly folder: string;
	readonly config: WranglerConfig;
	readonly entry: Entry;
	/** Returns the text of a file of the project, or `undefined`. */
	readonly readFile: (path: string) => string | undefined;
}
