import { unknownSession } from '@tmcp-sessions/http/internal';

import type { ObjectPer } from '../object/session-request.ts';
import { objectIdIn } from './addressed-session-ids.ts';
import { objectName } from './identity.ts';
import type { ObjectNamespace, SessionObjectStub } from './object-namespace.ts';

/** Finds the object that serves a request. */
interface ObjectLocator {
	readonly objectPer: ObjectPer;
	/**
	 * Returns a new stub of the object. Do not cache it: a stub whose object was lost stays broken.
	 *
	 * @throws {HttpRejection} 404 if the session id names no object.
	 */
	locate(sessionId: string, principal: string | undefined): Promise<SessionObjectStub>;
}

/** The number of locations that an isolate caches, which take about 600 KB. */
const MAX_CACHED = 2_000;

/** Finds the object of a single session, whose id is part of the session id. */
export class SessionLocator implements ObjectLocator {
	readonly objectPer = 'session';
	readonly #namespace: ObjectNamespace;
	/** By session id. Hot path: parsing the id would cost every call. */
	readonly #ids = new Map<string, DurableObjectId>();

	constructor(namespace: ObjectNamespace) {
		this.#namespace = namespace;
	}

	async locate(sessionId: string): Promise<SessionObjectStub> {
		const id = this.#ids.get(sessionId) ?? this.#parse(sessionId);
		return this.#namespace.byId(id);
	}

	#parse(sessionId: string): DurableObjectId {
		const object = objectIdIn(sessionId);
		if (object === undefined) throw unknownSession();
		const id = this.#namespace.parseId(object);
		addToCache(this.#ids, sessionId, id);
		return id;
	}
}

/** Finds the object of an identity, which serves all of its sessions. */
export class IdentityLocator implements ObjectLocator {
	readonly objectPer = 'identity';
	readonly #namespace: ObjectNamespace;
	/** By principal. Hot path: hashing the identity would cost every call. */
	readonly #names = new Map<string, string>();

	constructor(namespace: ObjectNamespace) {
		this.#namespace = namespace;
	}

	async locate(_sessionId: string, principal = ''): Promise<SessionObjectStub> {
		const cached = this.#names.get(principal);
		if (cached !== undefined) return this.#namespace.byName(cached);

		// Safe because the router made the principal of an identity; the handler serializes it in this form.
		const [workspaceId, clientId] = JSON.parse(principal) as [string, string];
		const name = await objectName({ clientId, workspaceId });
		addToCache(this.#names, principal, name);
		return this.#namespace.byName(name);
	}
}

function addToCache<Value>(cache: Map<string, Value>, key: string, value: Value): void {
	if (cache.size >= MAX_CACHED) cache.clear();
	cache.set(key, value);
}
