import { configurationError } from './configuration-error.ts';
import type { McpHandlerOptions } from './options.ts';

type Managers = Pick<McpHandlerOptions, 'info' | 'streams' | 'subscriptions'>;

/** By option, a method that only its kind of manager has, and the kind. */
const KINDS: Readonly<Record<keyof Managers, readonly [method: string, kind: string]>> = {
	info: ['getClientInfo', 'an info session manager'],
	streams: ['has', 'a stream session manager'],
	subscriptions: ['closeAll', 'a subscription manager'],
};

/**
 * Checks that each manager is given for its own option, which JavaScript does not.
 *
 * @throws {TmcpSessionsError} `configuration` for the first one that is of another kind.
 */
export function checkManagers(managers: Managers): void {
	for (const [option, [method, kind]] of Object.entries(KINDS)) {
		const manager: unknown = Reflect.get(managers, option);
		if (manager === undefined || typeof Reflect.get(Object(manager), method) === 'function')
			continue;
		const { name = 'object' } = Object(Reflect.get(Object(manager), 'constructor')) as {
			name?: string;
		};
		throw configurationError(
			`the option ${option} needs ${kind}; got ${manager === null ? 'null' : `a ${name}`}`,
		);
	}
}
