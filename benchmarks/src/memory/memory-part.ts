import type { Effort, Part } from '../bench/part.ts';
import { measureMemory } from './measure-memory.ts';
import type { MemoryEffort } from './measure-memory.ts';
import { memoryText } from './memory-text.ts';

const efforts: Readonly<Record<Effort, MemoryEffort>> = {
	full: { streams: 1_000, sessions: 2_000 },
	quick: { streams: 20, sessions: 20 },
};

/** What idle streams and sessions hold. */
export const memoryPart: Part = async (effort, onProgress) => {
	const result = await measureMemory(efforts[effort], onProgress);
	return { result, text: memoryText(result), shortfalls: [] };
};
