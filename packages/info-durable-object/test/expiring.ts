import { reset } from 'cloudflare:test';
import { afterEach, beforeEach, vi } from 'vitest';
import { DurableObjectSessionStore } from '../src/index.ts';
import { namespace } from './shards.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS: number = 60 * MINUTE_MS;
export const DAY_MS: number = 24 * HOUR_MS;

/** The contents of an object without data: the first page of SQLite. */
export const EMPTY = {
	sessions: 0,
	subscribers: 0,
	claims: 0,
	tables: 0,
	bytes: 4096,
	alarmMs: null,
};

/** Starts each test of a file with empty objects and a date that only `advance` moves. */
export function useManualDate(): void {
	// No caller passes the time to the alarm: it reads the clock of the platform.
	beforeEach(async () => {
		await reset();
		vi.useFakeTimers({ toFake: ['Date'] });
	});
	afterEach(() => {
		vi.restoreAllMocks();
		vi.useRealTimers();
	});
}

export function advance(ms: number): void {
	vi.setSystemTime(Date.now() + ms);
}

export function newStore(): DurableObjectSessionStore {
	return new DurableObjectSessionStore(namespace, { now: () => Date.now() });
}

export function ids(count: number): string[] {
	return Array.from({ length: count }, () => crypto.randomUUID());
}

export function expiringAfter(ms: number): { createdAtMs: number; expiresAtMs: number } {
	return { createdAtMs: Date.now(), expiresAtMs: Date.now() + ms };
}
