import { createInterceptedDurableObject } from './intercepted-durable-object.ts';

/** Counts the calls of methods of Durable Objects, whether or not they succeeded. */
export class ObjectCallCounter {
	readonly #methods: string[] = [];

	/** Called at each call of this method. */
	add(method: string): void {
		this.#methods.push(method);
	}

	/** The methods that were called since the last `take`, in order: one RPC each. */
	take(): string[] {
		return this.#methods.splice(0);
	}
}

/** The same Durable Object namespace, with every call of a method of its objects counted. */
export function createCountedDurableObject<Namespace extends object>(
	namespace: Namespace,
	counter: ObjectCallCounter,
): Namespace {
	return createInterceptedDurableObject(namespace, ({ method }, proceed) => {
		counter.add(method);
		return proceed();
	});
}
