// Runs on Deno. Prints a line for each failed case of the contract suites, and then the number of cases.
import { DenoKvSessionStore } from '@tmcp-sessions/info-deno-kv';
import { runSessionStoreCase, sessionStoreCases } from '@tmcp-sessions/testkit';
import { runStateStoreCase, stateStoreCases } from '@tmcp-sessions/testkit/state';

import {
	CAPABILITIES,
	STATE_CAPABILITIES,
	stateStoresOver,
	storesOver,
} from './store-under-test.ts';
import type { WritableKv } from './store-under-test.ts';

// Safe because this file runs on Deno with its KV enabled.
const { Deno: deno } = globalThis as unknown as {
	Deno: { openKv(path: string): Promise<WritableKv>; exit(status: number): void };
};
const kv = await deno.openKv(':memory:');
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
	await run(each.name, () => runSessionStoreCase(each, storesOver(kv), CAPABILITIES));
}
for (const each of stateStoreCases) {
	await run(each.name, () => runStateStoreCase(each, stateStoresOver(kv), STATE_CAPABILITIES));
}
await run('a single use', async () => {
	const store = new DenoKvSessionStore();
	const untilMs = Date.now() + 60_000;
	const claims = await Promise.all(Array.from({ length: 20 }, () => store.claim('one', untilMs)));
	if (claims.filter(Boolean).length !== 1) throw new Error(`claimed ${claims.join()}`);
});
console.log(`${passed} of ${sessionStoreCases.length + stateStoreCases.length + 1} passed`);
deno.exit(0);
