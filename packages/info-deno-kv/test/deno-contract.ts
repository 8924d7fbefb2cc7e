// Runs on Deno. Prints a line for each failed case of the contract suites, and then the number of cases.
import { DenoKvSessionStore } from '@tmcp-sessions/info-deno-kv';
import type { DenoKv } from '@tmcp-sessions/info-deno-kv';
import { runSessionStoreCase, sessionStoreCases } from '@tmcp-sessions/testkit';

import { Expiries, recordedKv } from './recorded-kv.ts';

interface WritableKv extends DenoKv {
	set(key: readonly string[], value: unknown): Promise<unknown>;
}

// Safe because this file runs on Deno with its KV enabled.
const { Deno: deno } = globalThis as unknown as {
	Deno: { openKv(path: string): Promise<WritableKv>; exit(status: number): void };
};
const kv = await deno.openKv(':memory:');
const CAPABILITIES = {
	consistency: 'strong',
	visibleWithinSeconds: 0,
	ttlFloorSeconds: 0,
	atomicUpdate: true,
	maxIdBytes: 512,
} as const;
let passed = 0;

async function run(name: string, runCase: () => Promise<void>): Promise<void> {
	try {
		await runCase();
		passed += 1;
	} catch (error) {
		console.log(`FAILED ${name}: ${String(error)}`);
	}
}

for (const each of sessionStoreCases) {
	await run(each.name, () =>
		runSessionStoreCase(
			each,
			({ now }, step) => {
				const expiries = new Expiries();
				const store = (): DenoKvSessionStore =>
					new DenoKvSessionStore({ now, open: async () => recordedKv(kv, expiries, now, step) });
				const key = (id: string): string[] => ['tmcp', 'session', encodeURIComponent(id)];
				return {
					store: store(),
					elsewhere: store(),
					async corrupt(id, text) {
						await kv.set(key(id), new TextEncoder().encode(text));
					},
					async forgottenAfterSeconds(id) {
						const untilMs = expiries.of(key(id));
						return untilMs === undefined ? undefined : (untilMs - now()) / 1000;
					},
				};
			},
			CAPABILITIES,
		),
	);
}
await run('a single use', async () => {
	const store = new DenoKvSessionStore();
	const untilMs = Date.now() + 60_000;
	const claims = await Promise.all(Array.from({ length: 20 }, () => store.claim('one', untilMs)));
	if (claims.filter(Boolean).length !== 1) throw new Error(`claimed ${claims.join()}`);
});
console.log(`${passed} of ${sessionStoreCases.length + 1} passed`);
deno.exit(0);
