import { toBase64Url } from './base64url.ts';
import { ROOT_SHARD, SHARD_LABEL } from '../placement/shards.ts';
import { checkSecrets } from './secrets.ts';
import { createSigning, MAC } from './signing.ts';

/** Issues and verifies session ids. */
export interface SessionIds {
	/**
	 * Issues an id: `<version>.<shard>.<random>.<mac>`, at most 89 characters of `A-Z a-z 0-9 - _ .`.
	 *
	 * @param principal the owner of the session. The MAC covers it, but the id does not contain it:
	 * the id is useless to other principals and does not reveal its owner. Default: no owner.
	 * @param shard the label of the shard that stores the session, covered by the MAC. Default: the
	 * root shard.
	 */
	mint(principal?: string, shard?: string): Promise<string>;
	/** Whether one of the keys issued this id to this principal. Needs no storage; accepts any string. */
	verify(id: string, principal?: string): Promise<boolean>;
	/**
	 * Returns an issued id without its MAC: it names the session in storage, URLs and logs, and is
	 * rejected if a client sends it. The whole id is a credential.
	 */
	internalIdOf(id: string): string;
}

/** Keys for `createSessionIds`. */
export interface SessionIdOptions {
	/**
	 * Secrets of at least 32 characters. The first signs, all verify. To rotate: append the new one,
	 * move it to the front once that is deployed everywhere, and remove the old one after the absolute
	 * lifetime of a session.
	 */
	readonly keys: readonly string[];
}

const VERSION = '1';
const RANDOM_BYTES = 24;
const MINTED = new RegExp(`^${VERSION}\\.${SHARD_LABEL}\\.[\\w-]{32}\\.${MAC}$`);

/**
 * Creates issuer and verifier of session ids. Ids have 192 random bits (the specification asks for
 * 128) and an HMAC-SHA-256, which rejects forged ids without a read of storage.
 *
 * @throws {TmcpSessionsError} `configuration`, if there is no key or one is too short.
 */
export function createSessionIds({ keys }: SessionIdOptions): SessionIds {
	checkSecrets(keys, 'core', 'session ids need keys');
	const signing = createSigning(keys, 'tmcp-sessions session id');
	return {
		async mint(principal = '', shard = ROOT_SHARD) {
			const random = toBase64Url(crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));
			const unsigned = `${VERSION}.${shard}.${random}`;
			return `${unsigned}.${await signing.sign(`${unsigned} ${principal}`)}`;
		},
		async verify(id, principal = '') {
			if (!MINTED.test(id)) return false;
			const unsigned = withoutMac(id);
			return signing.verify(`${unsigned} ${principal}`, id.slice(unsigned.length + 1));
		},
		internalIdOf: withoutMac,
	};
}

function withoutMac(id: string): string {
	return id.slice(0, id.lastIndexOf('.'));
}
