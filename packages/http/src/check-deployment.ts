import { bindingsOf } from '@tmcp-sessions/core/backend';
import { checkBindings } from '@tmcp-sessions/core/internal';
import type { SubscriptionManager } from '@tmcp/session-manager';

import type { ExecutionContextLike, McpHandlerOptions } from './options.ts';
import { warnOfMissingInfo, warnOfMissingStreams } from './warnings.ts';

/** The managers of a deployment. */
interface Managers extends Pick<McpHandlerOptions, 'info' | 'streams' | 'tasks'> {
	readonly subscriptions?: SubscriptionManager | undefined;
}

/**
 * Checks the managers at the first request: a mistake would otherwise fail some requests and not others.
 *
 * @param owner what has the managers, such as `createMcpHandler`.
 * @param platform shows which classes the Worker exports.
 * @throws {BindingError} one for all bindings that are missing or wrong.
 */
export function checkDeployment(
	owner: string,
	{ info, streams, subscriptions, tasks }: Managers,
	platform: ExecutionContextLike | undefined,
): void {
	const exports: unknown = platform && Reflect.get(platform, 'exports');
	const requirements = bindingsOf(streams, info, subscriptions, tasks);
	const error = checkBindings(requirements, Object(exports) as object);
	if (error) throw error;
	if (info && !streams) warnOfMissingStreams(owner);
	if (streams && !info) warnOfMissingInfo(owner);
}
