/**
 * Returns where a value is not JSON, such as `rows[2]: a Date`; `undefined` if it is. JSON keeps it as it
 * is then, except for fields that are `undefined`.
 */
export function jsonProblem(value: unknown, path = 'the value'): string | undefined {
	return problemOf(value, path, new Set());
}

function problemOf(value: unknown, path: string, parents: Set<object>): string | undefined {
	switch (typeof value) {
		case 'boolean':
		case 'string':
		case 'undefined':
			return undefined;
		case 'number':
			return Number.isFinite(value) ? undefined : `${path}: ${value}`;
		case 'object':
			return value === null ? undefined : problemOfObject(value, path, parents);
		case 'bigint':
		case 'function':
		case 'symbol':
			return `${path}: a ${typeof value}`;
		default:
			return undefined;
	}
}

function problemOfObject(value: object, path: string, parents: Set<object>): string | undefined {
	if (parents.has(value)) return `${path}: a cycle`;
	const prototype: unknown = Object.getPrototypeOf(value);
	const isPlain = prototype === Object.prototype || prototype === null;
	if (!Array.isArray(value) && !isPlain) return `${path}: a ${value.constructor.name}`;
	parents.add(value);
	try {
		for (const [key, item] of Object.entries(value)) {
			const place = Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`;
			const isHole = Array.isArray(value) && item === undefined;
			const problem = isHole ? `${place}: undefined` : problemOf(item, place, parents);
			if (problem) return problem;
		}
		return undefined;
	} finally {
		parents.delete(value);
	}
}
