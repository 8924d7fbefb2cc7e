import { bindingsOf } from '@tmcp-sessions/core/backend';
import { checkBindings } from '@tmcp-sessions/core/internal';

import type { ExecutionContextLike } from './options.ts';

/**
 * Checks the bindings of all managers at the first request: a mistake would otherwise fail some
 * requests and not others.
 *
 * @param platform shows which classes the Worker exports.
 * @throws {BindingError} one for all bindings that are missing or wrong.
 */
export function checkDeployment(
	managers: readonly (object | undefined)[],
	platform: ExecutionContextLike | undefined,
): void {
	const exports: unknown = platform && Reflect.get(platform, 'exports');
	const error = checkBindings(bindingsOf(...managers), Object(exports) as object);
	if (error) throw error;
}
