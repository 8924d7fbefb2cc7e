import type { AnyNode } from 'acorn';

import type { Entry } from './read-entry.ts';
import { fieldsOf, isFunction, literalText, methodOf } from './syntax.ts';
import type { Syntax } from './syntax.ts';
import { valuesOf } from './values.ts';

/** A path whose requests the code passes to a handler. */
export interface Route {
	/** With a `*` at the end if it covers every path below. */
	readonly pattern: string;
	/** The HTTP methods, or `undefined` for all. */
	readonly methods: readonly string[] | undefined;
	/** What passes the requests, such as `a route`. */
	readonly by: string;
	readonly node: AnyNode;
	/** Whether the handler sees another path: a router that mounts it removes the prefix. */
	readonly isStripped: boolean;
}

const EVERY_METHOD = new Set(['all', 'use']);
const METHODS = new Set(['delete', 'get', 'options', 'patch', 'post', 'put']);
/** Deeper nests of routers are not followed. */
const MAX_PREFIXES = 5;

/** Returns the routes of a handler: those of routers such as Hono, of conditions, and of OAuth providers. */
export function routesOf(entry: Entry, handler: AnyNode): readonly Route[] {
	const passesTo = (node: AnyNode): boolean => refersTo(entry.syntax, node, handler);
	return [
		...routerRoutes(entry.syntax, passesTo),
		...conditionRoutes(entry.syntax, passesTo),
		...providerRoutes(entry, handler),
	];
}

/** Whether code inside of a node, or of the functions that it names, uses a handler. */
function refersTo(syntax: Syntax, node: AnyNode, handler: AnyNode): boolean {
	const functions = node.type === 'Identifier' ? valuesOf(syntax, node).filter(isFunction) : [];
	return [node, ...functions].some((outer) =>
		syntax.nodes.some(
			(each) =>
				each.type === 'Identifier' &&
				outer.start <= each.start &&
				each.end <= outer.end &&
				isValue(syntax, each) &&
				valuesOf(syntax, each).includes(handler),
		),
	);
}

/** Whether a name is read, and not that of a field. */
export function isValue({ parents }: Syntax, node: AnyNode): boolean {
	const parent = parents.get(node);
	if (parent?.type === 'MemberExpression') return parent.object === node || parent.computed;
	return parent?.type !== 'Property' || parent.value === node;
}

function routerRoutes(syntax: Syntax, passesTo: (node: AnyNode) => boolean): Route[] {
	return syntax.nodes.flatMap((node) => {
		if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return [];
		const method = methodOf(node) ?? '';
		const isMount = method === 'mount';
		if (!EVERY_METHOD.has(method) && !METHODS.has(method) && method !== 'on' && !isMount) return [];
		const [first, ...others] = method === 'on' ? node.arguments.slice(1) : node.arguments;
		const paths = pathsIn(first);
		if (paths.length === 0 || !others.some(passesTo)) return [];
		const methods =
			method === 'on'
				? textsIn(node.arguments[0])
				: METHODS.has(method)
					? [method.toUpperCase()]
					: undefined;
		const prefixes = prefixesOf(syntax, node.callee.object);
		return prefixes.flatMap((prefix) =>
			paths.map((path) => ({
				pattern: joined(prefix, isMount ? `${path}/*` : path),
				methods: methods?.includes('ALL') ? undefined : methods,
				by: isMount ? 'mount' : 'a route',
				node,
				isStripped: isMount,
			})),
		);
	});
}

/** Returns the literal paths of a route without parameters. */
function pathsIn(node: AnyNode | undefined): readonly string[] {
	return textsIn(node).filter((text) => text.startsWith('/') || text === '*');
}

function textsIn(node: AnyNode | null | undefined): readonly string[] {
	if (node?.type === 'ArrayExpression') return node.elements.flatMap(textsIn);
	const text = literalText(node);
	return text === undefined ? [] : [text];
}

/**
 * Returns the prefixes of a router: those of `basePath`, and those under which others mount it. There are
 * none if the code hides one.
 */
function prefixesOf(syntax: Syntax, router: AnyNode, depth = 0): readonly string[] {
	if (depth > MAX_PREFIXES) return [];
	const bases = basesOf(syntax, router, depth);
	const mounts = mountsOf(syntax, rootsOf(syntax, router), depth);
	return mounts.length === 0
		? bases
		: mounts.flatMap((mount) =>
				bases.flatMap((base) => (mount === undefined ? [] : [joined(mount, base)])),
			);
}

/** Returns what a router itself puts before its paths. */
function basesOf(syntax: Syntax, router: AnyNode, depth: number): readonly string[] {
	if (depth > MAX_PREFIXES) return [];
	if (router.type === 'CallExpression' && router.callee.type === 'MemberExpression') {
		const outer = basesOf(syntax, router.callee.object, depth + 1);
		if (methodOf(router) !== 'basePath') return outer;
		const path = textOf(syntax, router.arguments[0]);
		return path === undefined ? [] : outer.map((prefix) => joined(prefix, path));
	}
	const own = valuesOf(syntax, router).flatMap((value) =>
		value === router || value.type === 'Identifier'
			? ['']
			: isRouterCall(value)
				? basesOf(syntax, value, depth + 1)
				: [baseOf(value)],
	);
	return own.length === 0 ? [''] : [...new Set(own)];
}

/** Returns the expressions that create a router: those at the start of its chains of calls. */
function rootsOf(syntax: Syntax, router: AnyNode, depth = 0): readonly AnyNode[] {
	return valuesOf(syntax, router).flatMap((value) =>
		depth < MAX_PREFIXES &&
		value.type === 'CallExpression' &&
		value.callee.type === 'MemberExpression'
			? rootsOf(syntax, chainStart(value), depth + 1)
			: [value],
	);
}

/** Returns what the first method of a chain of calls is called on. */
function chainStart(node: AnyNode): AnyNode {
	let at = node;
	while (at.type === 'CallExpression' && at.callee.type === 'MemberExpression') {
		at = at.callee.object;
	}
	return at;
}

/** Returns a text that the code writes in one place. */
function textOf(syntax: Syntax, node: AnyNode | undefined): string | undefined {
	const [only, another] = node ? valuesOf(syntax, node) : [];
	return another ? undefined : literalText(only);
}

function isRouterCall(node: AnyNode): boolean {
	return node.type === 'CallExpression' && node.callee.type === 'MemberExpression';
}

/** Returns the option `base` of the router of itty-router. */
function baseOf(node: AnyNode): string {
	const options =
		node.type === 'CallExpression' || node.type === 'NewExpression' ? node.arguments[0] : undefined;
	return options?.type === 'ObjectExpression'
		? (literalText(fieldsOf(options).get('base')) ?? '')
		: '';
}

/** The methods that mount a router under a path. */
const MOUNTS = new Set(['all', 'mount', 'register', 'route', 'use']);

/** Returns the paths at which other routers mount a router, `undefined` for those that are not known. */
function mountsOf(
	syntax: Syntax,
	roots: readonly AnyNode[],
	depth: number,
): readonly (string | undefined)[] {
	return syntax.nodes.flatMap((node): readonly (string | undefined)[] => {
		if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return [];
		const method = methodOf(node) ?? '';
		if (!MOUNTS.has(method)) return [];
		const mounted = node.arguments.findIndex((argument) =>
			rootsOf(syntax, argument).some((each) => roots.includes(each)),
		);
		if (mounted === -1) return [];
		const path = textOf(syntax, node.arguments[0]);
		if (method !== 'route' || mounted !== 1 || path === undefined) return [undefined];
		const outer = prefixesOf(syntax, node.callee.object, depth + 1);
		return outer.length === 0 ? [undefined] : outer.map((prefix) => joined(prefix, path));
	});
}

function joined(prefix: string, path: string): string {
	const both = `${prefix}/${path}`.replaceAll(/\/{2,}/g, '/');
	return both.length > 1 ? both.replace(/\/$/, '') : both;
}

/** Returns the routes of `if (pathname === '/mcp')`, its conditional form, and `case '/mcp'`. */
function conditionRoutes(syntax: Syntax, passesTo: (node: AnyNode) => boolean): Route[] {
	return syntax.nodes.flatMap((node) => {
		const found =
			node.type === 'IfStatement' || node.type === 'ConditionalExpression'
				? { test: node.test, inside: [node.consequent] }
				: node.type === 'SwitchCase' && node.test
					? { test: node.test, inside: node.consequent }
					: undefined;
		if (!found?.inside.some(passesTo)) return [];
		const patterns = patternsOf(found.test, node.type === 'SwitchCase');
		return patterns.map((pattern) => ({
			pattern,
			methods: undefined,
			by: 'a condition',
			node,
			isStripped: false,
		}));
	});
}

/** Returns the paths that a condition allows, or none if it decides by other values. */
function patternsOf(test: AnyNode, isCase: boolean): readonly string[] {
	const path = literalText(test);
	if (isCase) return path?.startsWith('/') ? [path] : [];
	if (test.type === 'LogicalExpression') {
		const [left, right] = [patternsOf(test.left, false), patternsOf(test.right, false)];
		if (test.operator === '&&') return left.length > 0 ? left : right;
		return left.length > 0 && right.length > 0 ? [...left, ...right] : [];
	}
	if (test.type === 'BinaryExpression' && /^===?$/.test(test.operator)) {
		const text = literalText(test.left) ?? literalText(test.right);
		return text?.startsWith('/') ? [text] : [];
	}
	const start = startsWithPath(test);
	return start === undefined ? [] : [`${start}*`];
}

function startsWithPath(test: AnyNode): string | undefined {
	if (test.type !== 'CallExpression' || methodOf(test) !== 'startsWith') return undefined;
	const text = literalText(test.arguments[0]);
	return text?.startsWith('/') ? text : undefined;
}

function providerRoutes({ constructions, syntax }: Entry, handler: AnyNode): Route[] {
	return constructions.flatMap(({ args: [options], className, node }): Route[] => {
		if (className !== 'OAuthProvider' || options?.type !== 'ObjectExpression') return [];
		const fields = fieldsOf(options);
		const apiHandler = fields.get('apiHandler');
		const handlers = fields.get('apiHandlers');
		const byPath: (readonly [string, AnyNode])[] = [
			...(apiHandler
				? textsIn(fields.get('apiRoute')).map((path) => [path, apiHandler] as const)
				: []),
			...(handlers?.type === 'ObjectExpression' ? fieldsOf(handlers) : []),
		];
		return byPath
			.filter(([path, value]) => path.startsWith('/') && refersTo(syntax, value, handler))
			.map(([path]) => ({
				pattern: `${path}*`,
				methods: undefined,
				by: 'apiRoute of OAuthProvider',
				node,
				isStripped: false,
			}));
	});
}

/** Whether a route passes requests of a path. */
export function covers({ pattern }: Pick<Route, 'pattern'>, path: string): boolean {
	const parts = pattern.split('/');
	const wanted = path.replace(/\/$/, '').split('/');
	for (const [index, part] of parts.entries()) {
		if (part === '*' || /^:\w+\{\.[+*]\}$/.test(part)) return true;
		if (part.endsWith('*')) return (wanted[index] ?? '').startsWith(part.slice(0, -1));
		if (part.endsWith('?') && index >= wanted.length) return true;
		if (!part.startsWith(':') && part !== wanted[index]) return false;
		if (wanted[index] === undefined) return false;
	}
	return parts.length === wanted.length;
}
