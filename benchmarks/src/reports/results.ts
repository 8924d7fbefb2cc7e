import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ColdStarts } from '../measurements/cold-start.ts';
import type { FanOut } from '../measurements/fan-out.ts';
import type { Growth } from '../measurements/growth.ts';
import type { Memory } from '../measurements/memory.ts';
import type { PlacementResult } from '../measurements/placement.ts';
import type { Resumptions } from '../measurements/resume.ts';
import type { SessionSpeeds } from '../measurements/sessions.ts';
import type { StreamCosts } from '../measurements/streams.ts';
import type { Throughput } from '../measurements/throughput.ts';
import type { Operations } from '../operations/count-operations.ts';
import type { DeclaredCapabilities } from '../operations/read-capabilities.ts';

/** The files of `results/`. */
export interface Results {
	capabilities: DeclaredCapabilities;
	'cold-start': ColdStarts;
	'fan-out': FanOut;
	growth: Growth;
	memory: Memory;
	operations: Operations;
	placement: PlacementResult;
	resume: Resumptions;
	sessions: SessionSpeeds;
	streams: StreamCosts;
	throughput: Throughput;
}

/** The name of a file of `results/`. */
export type ResultName = keyof Results;

/** The folder of the results and the charts. */
export const resultsFolder: string = join(import.meta.dirname, '../../results');

/** Reads a stored result. */
export function readResult<Name extends ResultName>(name: Name): Results[Name] {
	// Safe because only writeResult writes the file.
	return JSON.parse(readFileSync(fileOf(name), 'utf8')) as Results[Name];
}

/** Reads all stored results. */
export function readResults(): Results {
	const names = globSync('*.json', { cwd: resultsFolder }).map((file) => basename(file, '.json'));
	// Safe because there is one file for each result.
	return Object.fromEntries(
		names.map((name) => [name, readResult(name as ResultName)]),
	) as unknown as Results;
}

/** Stores a result as JSON. */
export function writeResult(name: ResultName, result: object): void {
	writeFileSync(fileOf(name), `${JSON.stringify(result, null, 2)}\n`);
}

function fileOf(name: ResultName): string {
	return join(resultsFolder, `${name}.json`);
}
