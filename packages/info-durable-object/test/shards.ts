import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { SessionShard } from '../src/index.ts';
import { objectName, OBJECTS_PER_SHARD, locationOfSession } from '../src/placement.ts';

/** The namespace of wrangler.jsonc. */
// Safe because wrangler.jsonc binds the class to this name.
export const namespace = (
	env as unknown as { TMCP_SESSION_SHARD: DurableObjectNamespace<SessionShard> }
).TMCP_SESSION_SHARD;

const all = Array.from({ length: OBJECTS_PER_SHARD }, (_, shard) => shard);

export function stubOf(shard: number): DurableObjectStub<SessionShard> {
	return namespace.getByName(objectName(shard));
}

/** Returns the object that stores the record of the session. */
export function objectOfSession(id: string): DurableObjectStub<SessionShard> {
	return namespace.getByName(locationOfSession(encodeURIComponent(id)).name);
}

/** Returns a namespace that maps all names to a single object. */
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

/** Evicts all objects from memory, as ten idle seconds would. */
export async function evictAll(): Promise<void> {
	for (const shard of all) {
		await runInDurableObject(stubOf(shard), () => {}); // Only a running object can be evicted.
		await evictDurableObject(stubOf(shard));
	}
}

/** Runs all due alarms and those that they set. @returns the number of alarms of each object. */
export async function runAlarms(): Promise<number[]> {
	const runs = all.map(() => 0);
	for (let ran = true; ran;) {
		ran = false;
		for (const shard of all) {
			const { alarmMs } = await contentsOf(stubOf(shard));
			if (alarmMs === null || alarmMs > Date.now()) continue;
			await runDurableObjectAlarm(stubOf(shard));
			runs[shard] = (runs[shard] ?? 0) + 1;
			ran = true;
		}
	}
	return runs;
}

/** The contents of an object's storage. */
export interface StorageContents {
	readonly sessions: number;
	readonly subscribers: number;
	readonly claims: number;
	readonly tables: number;
	readonly bytes: number;
	readonly alarmMs: number | null;
}

export function contentsOf(stub: DurableObjectStub<SessionShard>): Promise<StorageContents> {
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

export function contentsOfAll(): Promise<StorageContents[]> {
	return Promise.all(all.map((shard) => contentsOf(stubOf(shard))));
}
