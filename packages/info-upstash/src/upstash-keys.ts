/**
 * The keys, each with the prefix before it. `<id>` is URI encoded and so without a colon; `<hash>`
 * stands for a uri of any length. Every key has a TTL.
 *
 *     session:<id>   the fields of the record as text, or the marker of an ended session
 *     uri:<hash>     sorted set of the sessions that subscribed to the uri, by the end of each
 *     own:<id>       set of the hashes that the session subscribed to
 *     claim:<id>     who used what is good for one use
 */
export class UpstashKeys {
	/** What all keys begin with. */
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

	claim(id: string): string {
		return `${this.prefix}claim:${id}`;
	}
}
