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

/** The folder name of this package, for errors. */
export const PACKAGE = 'info-sealed';

/** What an id says: its session, as it was opened. */
export interface SealedSession extends IssuedSession {
	readonly principal: string;
	/** Milliseconds since the epoch, as in a `SessionRecord`. */
	readonly createdAtMs: number;
	readonly expiresAtMs: number;
	/** When the id itself expires: a deployment that lets sessions live shorter may be followed by another. */
	readonly idExpiresAtMs: number;
	/**
	 * What the client said, `Said` as JSON: an object would be shared by requests, and a tool may change
	 * it. None where that was too much for an id: then it is stored.
	 */
	readonly said: string | undefined;
}

/** What a client says of itself. */
export type Said = readonly [clientInfo: ClientInfo, clientCapabilities: ClientCapabilities];

/** Of what an id is made. */
export interface SealedIdOptions {
	/** The first seals, all open. */
	readonly secrets: readonly string[];
	/** How long a session lives. */
	readonly lifetimeMs: number;
	/** Whether there is a place for what fits no id. */
	readonly canStore: boolean;
	readonly now: () => number;
}

/** What is sealed, by position; of what the client said, nothing where it is stored. */
type Sealed = readonly [
	createdAtMs: number,
	lifetimeMs: number,
	protocolVersion: string | 0,
	...said: Said | readonly [],
];

const VERSION = '2';
/** Many servers and proxies take 8 KiB of headers in all. */
const MAX_LENGTH = 2_048;
const FORM = new RegExp(`^${VERSION}\\.(${SHARD_LABEL})\\.([\\w-]+)$`);
const NAME = new RegExp(`^${VERSION}\\.${SHARD_LABEL}\\.[\\w-]{${SEALED_ID_LENGTH}}$`);
/** `2.`, at most 10 characters of a shard, `.` and the salt. */
export const MAX_NAME_LENGTH: number = 13 + SEALED_ID_LENGTH;
/** How much the clocks of two isolates may differ. */
const CLOCK_SKEW_MS = 60_000;

/** Whether this is what a sealed session is called. */
export function isSealedName(name: string): boolean {
	return NAME.test(name);
}

/**
 * Makes and opens ids of the form `2.<shard>.<base64url>`, in which a session is sealed. Shard and
 * principal are bound and not in what is sealed. The name of the session is the beginning of its id,
 * up to the end of the salt: 192 random bits that everybody may know and nobody can use.
 */
export class SealedIds {
	readonly #options: SealedIdOptions;
	readonly #sealing: Sealing;

	constructor(options: SealedIdOptions) {
		this.#options = options;
		this.#sealing = createSealing(options.secrets, `tmcp-sessions session id ${VERSION}`);
	}

	/** @throws {TmcpSessionsError} `session-too-large`, where it fits no id and cannot be stored. */
	async seal(opening: InitializeParams): Promise<SealedSession> {
		const { lifetimeMs, now } = this.#options;
		const { clientInfo, clientCapabilities, principal, protocolVersion } = opening;
		const { shard = ROOT_SHARD } = opening;
		const createdAtMs = now();
		const head = [createdAtMs, lifetimeMs, protocolVersion ?? 0] as const;
		const seal = async (sealed: Sealed): Promise<string> => {
			const text = toCompactJson(sealed);
			return `${VERSION}.${shard}.${await this.#sealing.seal(text, boundTo(shard, principal))}`;
		};
		const said: Said = [clientInfo, clientCapabilities];
		let id = await seal([...head, ...said]);
		const fits = id.length <= MAX_LENGTH;
		if (!fits) id = await this.#sealStored(() => seal(head), id.length);
		return {
			...{ id, principal, protocolVersion, createdAtMs },
			internalId: nameIn(id, shard),
			expiresAtMs: createdAtMs + lifetimeMs,
			idExpiresAtMs: createdAtMs + lifetimeMs,
			said: fits ? JSON.stringify(said) : undefined,
		};
	}

	/** The session of an id that was made here, expired or not. Takes any text. */
	async open(id: string, principal: string): Promise<SealedSession | undefined> {
		if (id.length > MAX_LENGTH) return undefined;
		const [, shard = '', sealed = ''] = FORM.exec(id) ?? [];
		const opened = sealed && (await this.#sealing.open(sealed, boundTo(shard, principal)));
		if (!opened) return undefined;
		// Sound: `seal` alone makes what opens.
		const [createdAtMs, sealedMs, version, ...said] = fromCompactJson(opened.text) as Sealed;
		const { now, lifetimeMs } = this.#options;
		// A deployment that lets sessions live shorter than it did means those that are open, too.
		const expiresAtMs = createdAtMs + Math.min(sealedMs, lifetimeMs);
		if (createdAtMs > now() + CLOCK_SKEW_MS) return undefined;
		return {
			...{ id, principal, createdAtMs, expiresAtMs },
			internalId: nameIn(id, shard),
			idExpiresAtMs: createdAtMs + sealedMs,
			protocolVersion: version === 0 ? undefined : version,
			said: said.length > 0 ? JSON.stringify(said) : undefined,
		};
	}

	/** An id that leaves what the client said to the store. */
	async #sealStored(seal: () => Promise<string>, length: number): Promise<string> {
		if (this.#options.canStore) return seal();
		throw new TmcpSessionsError(
			'session-too-large',
			PACKAGE,
			`what a client says of itself at initialize takes an id of ${length} characters, where at ` +
				`most ${MAX_LENGTH} are good for a header: expected fewer or shorter capabilities, or a ` +
				'rest to store such sessions in',
		);
	}
}

function nameIn(id: string, shard: string): string {
	return id.slice(0, VERSION.length + shard.length + 2 + SEALED_ID_LENGTH);
}

/** The principal is last: whatever it holds, it is taken for nothing else. */
function boundTo(shard: string, principal: string): string {
	return `${VERSION}.${shard} ${principal}`;
}
