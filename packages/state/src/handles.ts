import { currentScope } from '@tmcp-sessions/core/backend';
import {
	checkSecrets,
	createSigning,
	MAC,
	ROOT_SHARD,
	SHARD_LABEL,
	toBase64Url,
} from '@tmcp-sessions/core/internal';
import type { Signing } from '@tmcp-sessions/core/internal';

import { configurationError, HandleError, PACKAGE } from './errors.ts';

const RANDOM_BYTES = 16;
/** How far the clocks of two isolates may differ. */
const CLOCK_SKEW_MS = 60_000;

/** The longest time that a handle is valid. */
export const MAX_HANDLE_SECONDS: number = 30 * 24 * 60 * 60;

/** What a verified handle names. */
export interface VerifiedHandle {
	/** The id of its state. */
	readonly id: string;
	/** When the handle expires, milliseconds since the epoch. */
	readonly expiresAtMs: number;
	readonly isSingleUse: boolean;
}

/** The number names the format. Stores find the shard of an id behind it. */
const VERSION = '3';
const HANDLE = new RegExp(
	`^(?<id>${VERSION}\\.${SHARD_LABEL}\\.[\\w-]{22})\\.(?<use>[ms])(?<expiry>[0-9a-z]{1,9})\\.(?<mac>${MAC})$`,
);

/**
 * Issues and verifies handles: `<id>.<use and expiry>.<mac>`. The MAC covers the principal, which is not in
 * the handle. Verification needs no storage.
 */
export class Handles {
	readonly #now: () => number;
	readonly #signings = new Map<string, Signing>();

	constructor(now: () => number) {
		this.#now = now;
	}

	/** Issues a handle for a new state. */
	async issue(
		ttlSeconds: number,
		isSingleUse: boolean,
	): Promise<VerifiedHandle & { token: string }> {
		const scope = currentScope();
		const random = toBase64Url(crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));
		const id = `${VERSION}.${scope?.shard ?? ROOT_SHARD}.${random}`;
		const expirySeconds = Math.ceil(this.#now() / 1000 + ttlSeconds);
		const unsigned = `${id}.${isSingleUse ? 's' : 'm'}${expirySeconds.toString(36)}`;
		const mac = await this.#signing('seal').sign(boundTo(unsigned));
		return { id, expiresAtMs: expirySeconds * 1000, isSingleUse, token: `${unsigned}.${mac}` };
	}

	/** @throws {HandleError} if the handle is forged, has expired, or belongs to another principal. */
	async verify(token: unknown): Promise<VerifiedHandle> {
		const { expiry, id, mac, use } =
			(typeof token === 'string' && HANDLE.exec(token)?.groups) || {};
		if (id === undefined || expiry === undefined || mac === undefined) throw new HandleError();
		const expiresAtMs = Number.parseInt(expiry, 36) * 1000;
		if (expiresAtMs <= this.#now()) throw new HandleError();
		const unsigned = `${id}.${use}${expiry}`;
		if (!(await this.#signing('open').verify(boundTo(unsigned), mac))) throw new HandleError();
		return { id, expiresAtMs, isSingleUse: use === 's' };
	}

	#signing(to: 'open' | 'seal'): Signing {
		const secrets = currentScope()?.secrets?.(to) ?? [];
		if (secrets.length === 0) {
			throw configurationError(
				'handles need the keys of the handler; found none. Serve the server with createMcpHandler, and ' +
					'use handles in a tool',
			);
		}
		checkSecrets(secrets, PACKAGE, 'handles need keys');
		const cached = this.#signings.get(secrets.join());
		if (cached) return cached;
		const signing = createSigning(secrets, 'tmcp-sessions state handle');
		// The keys of a deployment do not change; each session object has its own key.
		if (this.#signings.size >= 100) this.#signings.clear();
		this.#signings.set(secrets.join(), signing);
		return signing;
	}
}

/** Returns until when the state of a handle is stored: an isolate may have a clock that is behind. */
export function stateExpiryMs({ expiresAtMs }: VerifiedHandle): number {
	return expiresAtMs + CLOCK_SKEW_MS;
}

/** The principal comes last: a separator in it cannot be taken for another. */
function boundTo(unsigned: string): string {
	return `${unsigned} ${currentScope()?.principal ?? ''}`;
}
