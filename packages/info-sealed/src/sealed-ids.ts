import { TmcpSessionsError } from '@tmcp-sessions/core';
import type {
	ClientCapabilities,
	ClientInfo,
	InitializeParams,
	IssuedSession,
} from '@tmcp-sessions/core/backend';
import {
	createSealing,
	ROOT_SHARD,
	SEALED_ID_LENGTH,
	SHARD_LABEL,
} from '@tmcp-sessions/core/internal';
import type { Sealing } from '@tmcp-sessions/core/internal';

import { fromCompactJson, toCompactJson } from './compact-json.ts';
import { PACKAGE } from './package-name.ts';

/** The content of an id. */
export interface SealedSession extends IssuedSession {
	readonly principal: string;
	/** Milliseconds since the epoch, as in a `SessionRecord`. */
	readonly createdAtMs: number;
	readonly expiresAtMs: number;
	/** When the id itself expires: later than the session if the lifetime was shortened, perhaps for a while. */
	readonly idExpiresAtMs: number;
	/**
	 * `ClientMetadata` as JSON, because requests would share an object, which tools may modify.
	 * `undefined` if it was too long for the id and is stored.
	 */
	readonly metadata: string | undefined;
}

/** The client's part of `initialize`. */
export type ClientMetadata = readonly [
	clientInfo: ClientInfo,
	clientCapabilities: ClientCapabilities,
];

/** Options of `SealedIds`. */
export interface SealedIdOptions {
	/** The first one seals, all of them open. */
	readonly secrets: readonly string[];
	/** The lifetime of a session. */
	readonly lifetimeMs: number;
	/** Whether metadata that does not fit an id can be stored. */
	readonly canStore: boolean;
	readonly now: () => number;
}

/** The sealed values. Client metadata that is stored is not sealed. */
type Sealed = readonly [
	createdAtMs: number,
	lifetimeMs: number,
	protocolVersion: string | 0,
	...metadata: ClientMetadata | readonly [],
];

const VERSION = '2';
/** Many servers and proxies accept 8 KiB of headers in total. */
const MAX_LENGTH = 2_048;
const ID_PATTERN = new RegExp(`^${VERSION}\\.(${SHARD_LABEL})\\.([\\w-]+)$`);
const INTERNAL_ID_PATTERN = new RegExp(
	`^${VERSION}\\.${SHARD_LABEL}\\.[\\w-]{${SEALED_ID_LENGTH}}$`,
);
/** `2.`, at most 10 characters of a shard, `.` and the salt. */
export const MAX_INTERNAL_ID_LENGTH: number = 13 + SEALED_ID_LENGTH;
/** The most by which the clocks of two isolates may differ. */
const CLOCK_SKEW_MS = 60_000;

/** Whether an id has the format of the internal id of a sealed session. */
export function isSealedInternalId(id: string): boolean {
	return INTERNAL_ID_PATTERN.test(id);
}

/**
 * Seals sessions into ids of the form `2.<shard>.<base64url>`, and opens them. Shard and principal are
 * authenticated, but not part of the sealed text. The internal id is the beginning of the id, up to the
 * end of the salt: 192 random bits that are not secret and open nothing.
 */
export class SealedIds {
	readonly #options: SealedIdOptions;
	readonly #sealing: Sealing;

	constructor(options: SealedIdOptions) {
		this.#options = options;
		this.#sealing = createSealing(options.secrets, `tmcp-sessions session id ${VERSION}`);
	}

	/** @throws {TmcpSessionsError} `session-too-large`, if it does not fit an id and cannot be stored. */
	async seal(params: InitializeParams): Promise<SealedSession> {
		const { lifetimeMs, now } = this.#options;
		const { clientInfo, clientCapabilities, principal, protocolVersion } = params;
		const { shard = ROOT_SHARD } = params;
		const createdAtMs = now();
		const head = [createdAtMs, lifetimeMs, protocolVersion ?? 0] as const;
		const seal = async (sealed: Sealed): Promise<string> => {
			const text = toCompactJson(sealed);
			return `${VERSION}.${shard}.${await this.#sealing.seal(text, boundTo(shard, principal))}`;
		};
		const metadata: ClientMetadata = [clientInfo, clientCapabilities];
		let id = await seal([...head, ...metadata]);
		const fits = id.length <= MAX_LENGTH;
		if (!fits) {
			this.#checkCanStore(id.length);
			id = await seal(head);
		}
		return {
			id,
			principal,
			protocolVersion,
			createdAtMs,
			internalId: internalIdOf(id, shard),
			expiresAtMs: createdAtMs + lifetimeMs,
			idExpiresAtMs: createdAtMs + lifetimeMs,
			metadata: fits ? JSON.stringify(metadata) : undefined,
		};
	}

	/** Returns the session of an id, expired or not. Accepts any text. */
	async open(id: string, principal: string): Promise<SealedSession | undefined> {
		if (id.length > MAX_LENGTH) return undefined;
		const [, shard = '', sealed = ''] = ID_PATTERN.exec(id) ?? [];
		const opened = sealed && (await this.#sealing.open(sealed, boundTo(shard, principal)));
		if (!opened) return undefined;
		// Safe because only `seal` writes texts that open.
		const [createdAtMs, sealedMs, version, ...metadata] = fromCompactJson(opened.text) as Sealed;
		const { now, lifetimeMs } = this.#options;
		// A shorter lifetime also applies to open sessions.
		const expiresAtMs = createdAtMs + Math.min(sealedMs, lifetimeMs);
		if (createdAtMs > now() + CLOCK_SKEW_MS) return undefined;
		return {
			id,
			principal,
			createdAtMs,
			expiresAtMs,
			internalId: internalIdOf(id, shard),
			idExpiresAtMs: createdAtMs + sealedMs,
			protocolVersion: version === 0 ? undefined : version,
			metadata: metadata.length > 0 ? JSON.stringify(metadata) : undefined,
		};
	}

	#checkCanStore(length: number): void {
		if (this.#options.canStore) return;
		throw new TmcpSessionsError(
			'session-too-large',
			PACKAGE,
			`an id has at most ${MAX_LENGTH} characters; the client info and capabilities need ${length}. ` +
				'Configure rest to store such sessions',
		);
	}
}

function internalIdOf(id: string, shard: string): string {
	return id.slice(0, VERSION.length + shard.length + 2 + SEALED_ID_LENGTH);
}

/** The principal is last, because it may contain any character. */
function boundTo(shard: string, principal: string): string {
	return `${VERSION}.${shard} ${principal}`;
}
