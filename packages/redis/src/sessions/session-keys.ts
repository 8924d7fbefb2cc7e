/**
 * Builds keys that begin with a prefix. `<id>` is URI encoded and so contains no colon; `<hash>` is
 * the hash of a uri of any length. Every key has a TTL.
 *
 *     session:<id>   the fields of the record as text, or the tombstone of an ended session
 *     uri:<hash>     sorted set of the sessions that subscribed to the uri, by their expiry
 *     own:<id>       set of the hashes that the session subscribed to
 *     owner:<hash>   sorted set of the sessions of a principal, by their expiry
 *     claim:<id>     the claimant of a single use
 *     state:<id>     the state of a session or of a handle, behind its version
 */
export class SessionKeys {
	/** The prefix of all keys. */
	readonly prefix: string;

	constructor(prefix: string) {
		this.prefix = prefix;
	}

	session(encodedId: string): string {
		return `${this.prefix}session:${encodedId}`;
	}

	uri(uriHash: string): string {
		return `${this.prefix}uri:${uriHash}`;
	}

	own(encodedId: string): string {
		return `${this.prefix}own:${encodedId}`;
	}

	/** Returns a pattern that matches the keys of all sessions. */
	get sessions(): string {
		return `${this.session('').replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}*`;
	}

	owner(hash: string): string {
		return `${this.prefix}owner:${hash}`;
	}

	state(encodedId: string): string {
		return `${this.prefix}state:${encodedId}`;
	}

	claim(id: string): string {
		return `${this.prefix}claim:${id}`;
	}
}
