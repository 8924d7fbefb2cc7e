import { currentScope, StoreError } from '@tmcp-sessions/core';
import type { InfoSessionManager } from '@tmcp/session-manager';

import { RequestWork } from './request-work.ts';

type Getter = (id: string) => Promise<unknown>;

const GETTERS: ReadonlySet<unknown> = new Set([
	'getClientCapabilities',
	'getClientInfo',
	'getLogLevel',
] satisfies (keyof InfoSessionManager)[]);

/**
 * The info manager as the transport gets to see it: itself, but that a store which is down is noted.
 * The transport takes a getter that rejects for a session without info, and would call the tool.
 */
export function watchedInfo<Info extends InfoSessionManager>(info: Info): Info {
	return new Proxy(info, {
		get(target, key) {
			const member: unknown = Reflect.get(target, key, target);
			if (typeof member !== 'function') return member;
			// Sound: tmcp's interface has these methods with this signature.
			const bound = member.bind(target) as Getter;
			return GETTERS.has(key) ? noting(bound) : bound;
		},
	});
}

function noting(getter: Getter): Getter {
	return async (id) => {
		try {
			return await getter(id);
		} catch (error) {
			const scope = currentScope();
			if (error instanceof StoreError && scope instanceof RequestWork) scope.failure = error;
			throw error;
		}
	};
}
