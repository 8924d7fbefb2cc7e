import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { ColdStarts } from './cold-start/measure-cold-start.ts';
import type { DeclaredCapabilities } from './comparison/read-capabilities.ts';
import type { FanOutResult } from './fan-out/fan-out-text.ts';
import type { Growth } from './growth/measure-growth.ts';
import type { StreamCosts } from './growth/measure-streams.ts';
import type { Memory } from './memory/measure-memory.ts';
import type { Operations } from './operations/count-operations.ts';
import type { PlacementResult } from './placement/simulate-placement.ts';
import type { Resumptions } from './resume/measure-resume.ts';
import type { SessionSpeeds } from './sessions/measure-sessions.ts';
import type { Throughput } from './throughput/throughput-ratios.ts';

const folder = join(import.meta.dirname, '..');

/** What is counted or measured and kept: the files of `results/`. */
export interface Results {
	capabilities: DeclaredCapabilities;
	'cold-start': ColdStarts;
	'fan-out': FanOutResult;
	growth: Growth;
	memory: Memory;
	operations: Operations;
	placement: PlacementResult;
	resume: Resumptions;
	sessions: SessionSpeeds;
	streams: StreamCosts;
	throughput: Throughput;
}

/** The name of one of them. */
export type ResultName = keyof Results;

/** A picture of a result, beside it. */
export interface Picture {
	readonly name: ResultName;
	/** The SVG. */
	readonly text: string;
}

/** What `writeResult` wrote last. */
export function readResult<Name extends ResultName>(name: Name): Results[Name] {
	// Sound: the file is written by writeResult alone.
	return JSON.parse(readFileSync(resultFile(name), 'utf8')) as Results[Name];
}

/** Keeps a result as JSON. */
export function writeResult(name: ResultName, result: object): void {
	writeFileSync(resultFile(name), `${JSON.stringify(result, null, 2)}\n`);
}

/** Keeps a picture as SVG. */
export function writePicture({ name, text }: Picture): void {
	writeFileSync(pictureFile(name), text);
}

/** The picture that was kept. */
export function readPicture(name: ResultName): string {
	return readFileSync(pictureFile(name), 'utf8');
}

/** The version of a package that is measured; of workerd the one that miniflare runs. */
export function versionOf(packageName: string): string {
	const installed = join(folder, 'node_modules');
	const manifest =
		packageName === 'workerd'
			? createRequire(realpathSync(join(installed, 'miniflare/package.json'))).resolve(
					'workerd/package.json',
				)
			: join(installed, packageName, 'package.json');
	// Sound: every installed package has one.
	return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

function resultFile(name: ResultName): string {
	return join(folder, 'results', `${name}.json`);
}

function pictureFile(name: ResultName): string {
	return join(folder, 'results', `${name}.svg`);
}
