import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { repository } from '../reader-environment.ts';

/** How a server of `npm create` was created and run. */
export interface CreateResult {
	/** Its options, such as `node redis --tasks`. */
	readonly server: string;
	readonly passed: boolean;
	/** The commands that a reader types until a tool answers. */
	readonly commands: number;
	/** Seconds on the machine of the run, with its other jobs. */
	readonly seconds: number;
}

/** By version of Node.js, the results by server. */
type RecordedResults = Record<string, Record<string, Omit<CreateResult, 'server'>>>;

const path = join(repository, 'installs/create-results.json');

/** Adds the results of a run to those that are stored, from which `docs/support.md` is generated. */
export function recordResults(version: string, results: readonly CreateResult[]): void {
	// Safe because only this function writes the file.
	const stored = JSON.parse(
		existsSync(path) ? readFileSync(path, 'utf8') : '{}',
	) as RecordedResults;
	const servers = Object.entries({
		...stored[version],
		...Object.fromEntries(results.map(({ server, ...result }) => [server, result])),
	});
	const sorted = Object.fromEntries(servers.toSorted(([a], [b]) => (a < b ? -1 : 1)));
	writeFileSync(path, `${JSON.stringify({ ...stored, [version]: sorted }, undefined, 2)}\n`);
}
