import type { KVNamespace } from '@cloudflare/workers-types';
import { createInterceptedKV } from '@tmcp-sessions/testkit';
import type { Step } from '@tmcp-sessions/testkit';

/** Wraps a namespace so that each of its operations is one step of a store operation. */
export function createSteppedKV(namespace: KVNamespace, step: Step): KVNamespace {
	return createInterceptedKV(namespace, (_call, proceed) => step(proceed));
}
