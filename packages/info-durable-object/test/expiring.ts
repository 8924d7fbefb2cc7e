import { reset } from 'cloudflare:test';
import { afterEach, beforeEach, vi } from 'vitest';
import { DurableObjectSessionStore } from '../src/index.ts';
import { namespace } from './shards.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS: number = 60 * MINUTE_MS;
export const DAY_MS: number = 24 * HOUR_MS;

/** What an object that was never written to holds: SQLite's first page. */
export const NOTHING = {
	sessions: 0,
	subscribers: 0,
	claims: 0,
	tables: 0,
	bytes: 4096,
	alarmMs: null,
};

/** Each test of the file begins with empty objects and a date that stands still. */
export function withDateOfOurs(): void {
	// The alarm has no caller to tell it the time: it reads the clock of the platform.
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

export function livingFor(ms: number): { createdAtMs: number; expiresAtMs: number } {
	return { createdAtMs: Date.now(), expiresAtMs: Date.now() + ms };
}
