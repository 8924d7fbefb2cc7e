import { TmcpSessionsError } from '@tmcp-sessions/core';

import type { DenoKv } from './deno-kv.ts';

/**
 * Opens the default database of Deno.
 *
 * @throws {TmcpSessionsError} `configuration`, if the runtime is not Deno, or Deno has no KV.
 */
export async function openDenoKv(): Promise<DenoKv> {
	// Safe because the property is checked before it is used.
	const { Deno: deno } = globalThis as { Deno?: { openKv?: () => Promise<DenoKv> } };
	if (deno?.openKv) return deno.openKv();
	throw new TmcpSessionsError(
		'configuration',
		'info-deno-kv',
		deno
			? 'Deno has no KV: run it with --unstable-kv, or set "unstable": ["kv"] in deno.json'
			: 'this runtime is not Deno: pass the option open, such as () => openKv("sessions.sqlite3") with openKv of @deno/kv',
	);
}
