import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { SessionShard } from '../src/index.ts';
import { objectName, OBJECTS, placeOfSession } from '../src/placement.ts';

/** The namespace of wrangler.jsonc. */
// Sound: wrangler.jsonc binds the class to this name.
export const namespace = (
	env as unknown as { TMCP_SESSION_SHARD: DurableObjectNamespace<SessionShard> }
).TMCP_SESSION_SHARD;

const all = Array.from({ length: OBJECTS }, (_, shard) => shard);

export function stubOf(shard: number): DurableObjectStub<SessionShard> {
	return namespace.getByName(objectName(shard));
}

/** The object that keeps the record of the session. */
export function homeOf(id: string): DurableObjectStub<SessionShard> {
	return namespace.getByName(placeOfSession(encodeURIComponent(id)).name);
}

/** The namespace as if it had one object, which keeps everything. */
export function oneObject(
	all: DurableObjectNamespace<SessionShard>,
): DurableObjectNamespace<SessionShard> {
	return new Proxy(all, {
		get: (target, key) => {
			const member: unknown = Reflect.get(target, key);
			if (key === 'getByName') return () => target.getByName(objectName(0));
			return typeof member === 'function' ? (member.bind(target) as unknown) : member;
		},
	});
}

/** Puts all shards out of memory, as ten idle seconds would. */
export async function evictAll(): Promise<void> {
	for (const shard of all) {
		await runInDurableObject(stubOf(shard), () => {}); // Only what runs can be evicted.
		await evictDurableObject(stubOf(shard));
	}
}

/** Runs all alarms that are due and those that they set. @returns how many runs each shard had. */
export async function runAlarms(): Promise<number[]> {
	const runs = all.map(() => 0);
	for (let ran = true; ran;) {
		ran = false;
		for (const shard of all) {
			const { alarmMs } = await holdingsOf(stubOf(shard));
			if (alarmMs === null || alarmMs > Date.now()) continue;
			await runDurableObjectAlarm(stubOf(shard));
			runs[shard] = (runs[shard] ?? 0) + 1;
			ran = true;
		}
	}
	return runs;
}

/** What an object holds. */
export interface Holdings {
	readonly sessions: number;
	readonly subscribers: number;
	readonly claims: number;
	readonly tables: number;
	readonly bytes: number;
	readonly alarmMs: number | null;
}

export function holdingsOf(stub: DurableObjectStub<SessionShard>): Promise<Holdings> {
	return runInDurableObject(stub, async (_object, { storage }) => {
		const count = (from: string): number =>
			storage.sql.exec<{ rows: number }>(`SELECT count(*) AS rows FROM ${from}`).one().rows;
		const tables = count("sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'");
		return {
			sessions: tables && count('sessions'),
			subscribers: tables && count('subscribers'),
			claims: tables && count('claims'),
			tables,
			bytes: storage.sql.databaseSize,
			alarmMs: await storage.getAlarm(),
		};
	});
}

export function holdingsOfAll(): Promise<Holdings[]> {
	return Promise.all(all.map((shard) => holdingsOf(stubOf(shard))));
}
