import { createInterceptedDurableObject } from './intercepted-durable-object.ts';

/** Records the RPCs to Durable Objects, successful or not. */
export class ObjectRpcCounter {
	readonly #methods: string[] = [];

	/** Records an RPC of this method. */
	add(method: string): void {
		this.#methods.push(method);
	}

	/** Returns the methods of the RPCs since the last `take`, in order. */
	take(): string[] {
		return this.#methods.splice(0);
	}
}

/** Wraps a Durable Object namespace and records every RPC to its objects. */
export function createCountedDurableObject<Namespace extends object>(
	namespace: Namespace,
	counter: ObjectRpcCounter,
): Namespace {
	return createInterceptedDurableObject(namespace, ({ method }, proceed) => {
		counter.add(method);
		return proceed();
	});
}
