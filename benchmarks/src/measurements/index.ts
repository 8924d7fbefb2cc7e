import type { Operations } from '../operations/count-operations.ts';
import type { RedisOperations } from '../operations/count-redis.ts';
import type { DeclaredCapabilities } from '../operations/read-capabilities.ts';
import { readResult } from '../reports/results.ts';
import { coldStart } from './cold-start.ts';
import { cpu } from './cpu.ts';
import { fanOut } from './fan-out.ts';
import { growth } from './growth.ts';
import type { Measurement } from './measurement.ts';
import { memory } from './memory.ts';
import { profile } from './profile.ts';
import { redisStreams } from './redis-streams.ts';
import { resume } from './resume.ts';
import { sessions } from './sessions.ts';
import { streams } from './streams.ts';
import { throughput } from './throughput.ts';

/** The measurements by name, in the order in which they run. */
export const measurements = {
	throughput,
	sessions,
	cpu,
	profile,
	'fan-out': fanOut,
	streams,
	resume,
	'cold-start': coldStart,
	memory,
	'redis-streams': redisStreams,
	growth,
};

type Named = typeof measurements;
/** The files of `results/`. */
export type Results = {
	[Name in keyof Named]: Named[Name] extends Measurement<infer Result> ? Result : never;
} & {
	readonly capabilities: DeclaredCapabilities;
	readonly operations: Operations;
	readonly redis: RedisOperations;
};

/** Reads all stored results. */
export function readResults(): Results {
	const names = [...Object.keys(measurements), 'capabilities', 'operations', 'redis'];
	// Safe because there is one file for each result.
	return Object.fromEntries(names.map((name) => [name, readResult(name)])) as Results;
}
