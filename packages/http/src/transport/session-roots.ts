import type { McpServer } from 'tmcp';

import { isObject } from '../request/json-rpc.ts';
import { currentContext } from '../request/request-context.ts';
import type { RequestContext } from '../request/request-context.ts';

/** A directory or file that a client lets the server work in. */
export type Root = McpServer['roots'][number];

/** Characters of JSON that an isolate keeps of the roots of all its sessions, between their requests. */
const MAX_KEPT_LENGTH = 1_024 * 1_024;
/** The part of one session, so that one client cannot evict the roots of all others. */
const MAX_SESSION_LENGTH = 64 * 1_024;

/**
 * Makes `server.roots` the roots of the session that reads or writes them. tmcp 1.20 has one field for
 * all sessions of a server, so that a tool of one principal reads the roots of another: the hazard of
 * CVE-2026-25536 in another field (docs/upstream.md). Outside of requests the field is as before.
 */
export function keepRootsPerSession(server: object): void {
	const field = Object.getOwnPropertyDescriptor(server, 'roots');
	// A server of another library has no such field; another handler of this server replaced it before.
	if (!field || !('value' in field)) return;
	const kept = new KeptRoots();
	let outsideOfRequests: unknown = field.value;
	Object.defineProperty(server, 'roots', {
		configurable: true,
		enumerable: true,
		get(): unknown {
			const context = currentContext();
			return context ? kept.of(context) : outsideOfRequests;
		},
		set(roots: unknown) {
			const context = currentContext();
			if (context) kept.set(context, rootsIn(roots));
			else outsideOfRequests = roots;
		},
	});
}

/** Returns the valid roots of a client's list, with the fields of the specification. */
export function rootsIn(list: unknown): Root[] {
	if (!Array.isArray(list)) return [];
	return list.flatMap((root: unknown) => {
		const { uri, name } = isObject(root) ? root : {};
		if (typeof uri !== 'string') return [];
		return [typeof name === 'string' ? { uri, name } : { uri }];
	});
}

/** Keeps the roots of sessions in memory, bounded. A request always finds those that it asked for. */
class KeptRoots {
	readonly #ofRequests = new WeakMap<RequestContext, Root[]>();
	/** By internal id, ordered by the time of the last write. */
	readonly #ofSessions = new Map<string, { readonly roots: Root[]; readonly length: number }>();
	#length = 0;

	of(context: RequestContext): Root[] {
		return this.#ofRequests.get(context) ?? this.#ofSessions.get(context.sessionId)?.roots ?? [];
	}

	set(context: RequestContext, roots: Root[]): void {
		const { sessionId } = context;
		this.#ofRequests.set(context, roots);
		this.#delete(sessionId);
		const { length } = JSON.stringify(roots);
		if (sessionId === '' || roots.length === 0 || length > MAX_SESSION_LENGTH) return;
		this.#ofSessions.set(sessionId, { roots, length });
		this.#length += length;
		for (const oldest of this.#ofSessions.keys()) {
			if (this.#length <= MAX_KEPT_LENGTH) break;
			this.#delete(oldest);
		}
	}

	#delete(sessionId: string): void {
		this.#length -= this.#ofSessions.get(sessionId)?.length ?? 0;
		this.#ofSessions.delete(sessionId);
	}
}
