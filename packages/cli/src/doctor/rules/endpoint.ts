import type { AnyNode } from 'acorn';

import { handlersOf, lastOptions } from '../handler-options.ts';
import type { Handler } from '../handler-options.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import { placeOf } from '../read-entry.ts';
import type { Entry } from '../read-entry.ts';
import { covers, routesOf } from '../routes.ts';
import type { Route } from '../routes.ts';
import { literalText } from '../syntax.ts';
import { valuesOf } from '../values.ts';

const SSE_PATHS = ['/sse', '/messages'];
/** What the handler of a server with sessions answers. */
const METHODS = ['POST', 'GET', 'DELETE'];

/** The endpoint of a handler. */
interface Endpoint {
	/** `undefined` if the handler serves every path, or the code computes it. */
	readonly path: string | undefined;
	/** All paths that it serves; none if the code computes one. */
	readonly paths: readonly string[];
	/** The call that creates the handler. */
	readonly node: AnyNode;
	readonly className: string;
	readonly handler: Handler;
}

/** Returns the endpoints of all handlers of this family. */
export function endpointsOf(entry: Entry): Endpoint[] {
	return handlersOf(entry).map((handler) => {
		const { className, node } = handler.construction;
		const textOf = (name: string, byDefault: string): string | undefined => {
			const value = handler.options.fields.get(name);
			if (!value) return handler.options.isComplete ? byDefault : undefined;
			return literalText(valuesOf(entry.syntax, value)[0]);
		};
		const isSse = className === 'createSseHandler';
		const path = textOf('path', isSse ? '/sse' : '/mcp');
		const others = isSse
			? [textOf('endpoint', '/messages')]
			: className === 'createSessionRouter'
				? ssePathsOf(entry, handler)
				: [];
		const paths = [path, ...others];
		return {
			path: isSse ? undefined : path,
			paths: paths.every((each) => each !== undefined) ? paths : [],
			node,
			className,
			handler,
		};
	});
}

/** Returns the paths of the option `sse` of a router. */
function ssePathsOf(entry: Entry, { options }: Handler): readonly (string | undefined)[] {
	const sse = options.fields.get('sse');
	if (!sse) return options.isComplete ? [] : [undefined];
	const values = valuesOf(entry.syntax, sse);
	const created = entry.constructions.find(
		({ className, node }) => className === 'createLegacySse' && values.includes(node),
	);
	if (!created) return [undefined];
	const { fields, isComplete } = lastOptions(entry.syntax, created);
	return ['path', 'endpoint'].map((name, index) =>
		fields.has(name) ? literalText(fields.get(name)) : isComplete ? SSE_PATHS[index] : undefined,
	);
}

/** Checks that the path of a handler is one, and that a router passes requests of this path to it. */
export function* checkEndpoint({ entry }: Project): Generator<Problem> {
	for (const endpoint of endpointsOf(entry)) {
		const { className, path, paths, handler, node } = endpoint;
		if (path !== undefined && !path.startsWith('/')) {
			const plain = path.replace(/^https?:\/\/[^/]*\/?/, '');
			yield {
				rule: 'endpoint',
				severity: 'error',
				...placeOf(new RegExp(String.raw`\bpath: ?['"\`]${escaped(path)}`), entry.sources),
				message: `the path of ${className} must begin with /; found ${path}: every request gets a 404`,
				fix: `write path: '/${plain}'`,
			};
		}
		const routes = routesOf(entry, node);
		if (paths.length > 0) yield* checkRoutes(entry, endpoint, routes);
		yield* checkMethods(entry, handler, paths, routes);
	}
}

function* checkRoutes(
	entry: Entry,
	{ path, paths }: Endpoint,
	routes: readonly Route[],
): Generator<Problem> {
	for (const route of routes) {
		const problem = { rule: 'endpoint', severity: 'error', ...entry.placeAt(route.node) } as const;
		const shown = route.pattern.replace(/\/?\*$/, '') || '/';
		if (route.isStripped) {
			yield {
				...problem,
				message: `mount removes ${shown} from the path before it passes requests to a handler of ${paths[0]}, which answers them with 404`,
				fix: `write app.all('${paths[0]}', (c) => handler.fetch(c.req.raw, c.env, c.executionCtx))`,
			};
		} else if (!paths.some((each) => covers(route, each))) {
			yield {
				...problem,
				message: `${route.by} passes requests of ${route.pattern} to a handler of ${paths.join(' and ')}, which answers them with 404`,
				fix:
					path === undefined
						? `set path and endpoint of the handler to the complete paths, with every prefix of the router`
						: `use ${path} there, or set path: '${shown}' in the options of the handler: the complete path, with every prefix of the router`,
			};
		}
	}
	const [first] = routes;
	if (!first || routes.some(({ by, isStripped }) => isStripped || by !== 'a route')) return;
	if (!routes.some((route) => paths.some((each) => covers(route, each)))) return;
	for (const missing of paths.filter((each) => !routes.some((route) => covers(route, each)))) {
		yield {
			rule: 'endpoint',
			severity: 'error',
			...entry.placeAt(first.node),
			message: `no route passes requests of ${missing} to the handler, which serves ${paths.join(' and ')}`,
			fix: `add app.all('${missing}', …) with the same function`,
		};
	}
}

/** Checks that a router passes all methods of a session: POST, GET and DELETE. */
function* checkMethods(
	entry: Entry,
	{ construction: { className }, options }: Handler,
	paths: readonly string[],
	routes: readonly Route[],
): Generator<Problem> {
	const hasSessions = className === 'createSessionRouter' || options.fields.has('info');
	if (!hasSessions || paths.length > 1) return;
	const limited = routes.filter(({ by }) => by === 'a route');
	const [first] = limited;
	if (!first || limited.some(({ methods }) => methods === undefined)) return;
	const found = new Set(limited.flatMap(({ methods }) => methods ?? []));
	const missing = METHODS.filter((method) => !found.has(method));
	if (missing.length === 0) return;
	yield {
		rule: 'endpoint',
		severity: 'error',
		...entry.placeAt(first.node),
		message:
			`the router passes only ${[...found].join(', ')} of ${first.pattern} to the handler: ${missing.join(' and ')} never ` +
			'reach it, so that clients get no messages outside of responses, or cannot end a session',
		fix: `write app.all('${first.pattern}', …)`,
	};
}

function escaped(text: string): string {
	return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
}
