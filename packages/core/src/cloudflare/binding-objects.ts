/** Whether a value is an object or a function. Bindings of workerd may be either. */
export function isObject(value: unknown): value is object {
	return (typeof value === 'object' || typeof value === 'function') && value !== null;
}

/** Whether a binding is a service. In workerd it has a method for every name; `fetch` identifies it. */
export function isService(binding: object): boolean {
	return 'fetch' in binding;
}
