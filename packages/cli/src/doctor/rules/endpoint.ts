import type { AnyNode } from 'acorn';

import { createsHandler } from '../manager-classes.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import { placeOf } from '../read-entry.ts';
import type { Entry } from '../read-entry.ts';
import { fieldsOf, hasSpread, isFunction, literalText, methodOf, resolved } from '../syntax.ts';

/** The endpoint of a handler. */
interface Endpoint {
	/** `undefined` if the handler serves every path, or the code computes it. */
	readonly path: string | undefined;
	/** The call that creates the handler. */
	readonly node: AnyNode;
	readonly className: string;
}

/** Returns the endpoints of all handlers of this family. */
export function endpointsOf(entry: Entry): Endpoint[] {
	return entry.constructions.filter(createsHandler).map(({ args, className, node }) => {
		const options = args.findLast(({ type }) => type === 'ObjectExpression');
		const fields = options?.type === 'ObjectExpression' ? fieldsOf(options) : undefined;
		const isComplete = options?.type === 'ObjectExpression' && !hasSpread(options);
		const hasNone = args.length === (className === 'createSessionRouter' ? 0 : 1);
		const isComputed = !isComplete && !hasNone;
		const byDefault = isComputed || className === 'createSseHandler' ? undefined : '/mcp';
		const path = fields?.has('path') ? literalText(fields.get('path')) : byDefault;
		return { path, node, className };
	});
}

/** Checks that the path of a handler is one, and that a router passes requests of this path to it. */
export function* checkEndpoint({ entry }: Project): Generator<Problem> {
	const { nodes, syntax } = { nodes: entry.syntax.nodes, syntax: entry.syntax };
	const endpoints = endpointsOf(entry);
	for (const { className, path } of endpoints) {
		if (path === undefined || path.startsWith('/')) continue;
		yield {
			rule: 'endpoint',
			severity: 'error',
			...placeOf(new RegExp(String.raw`\bpath: ?['"\`]${escaped(path)}`), entry.sources),
			message: `the path of ${className} must begin with /; found ${path}: every request gets a 404`,
			fix: `write path: '/${path.replace(/^https?:\/\/[^/]*\/?/, '')}'`,
		};
	}
	for (const { node, path } of endpoints) {
		if (path === undefined) continue;
		const usesHandler = (inside: AnyNode): boolean =>
			nodes.some(
				(each) =>
					methodOf(each) === 'fetch' &&
					each.type === 'CallExpression' &&
					each.callee.type === 'MemberExpression' &&
					resolved(syntax, each.callee.object) === node &&
					inside.start <= each.start &&
					each.end <= inside.end,
			);
		for (const [route, at] of routesOf(entry, node, usesHandler)) {
			if (matches(route, path)) continue;
			yield {
				rule: 'endpoint',
				severity: 'error',
				...placeOf(new RegExp(`['"\`]${escaped(route)}['"\`]`), entry.sources),
				message: `${at} passes requests of ${route} to a handler of ${path}, which answers them with 404`,
				fix: `use ${path} there, or set path: '${route.replace(/\/?\*$/, '') || '/'}' in the options of the handler`,
			};
		}
	}
}

/** Returns the paths for which a router or an OAuth provider passes requests to a handler. */
function* routesOf(
	{ constructions, syntax }: Entry,
	handler: AnyNode,
	usesHandler: (node: AnyNode) => boolean,
): Generator<readonly [route: string, at: string]> {
	for (const node of syntax.nodes) {
		if (!/^(?:all|get|post|use)$/.test(methodOf(node) ?? '')) continue;
		if (node.type !== 'CallExpression') continue;
		const route = literalText(node.arguments[0]);
		if (route?.startsWith('/') !== true || route.includes(':')) continue;
		const functions = node.arguments.map((each) => resolved(syntax, each)).filter(isFunction);
		if (functions.some(usesHandler)) yield [route, 'a route'];
	}
	for (const { args, className } of constructions) {
		const [options] = args;
		if (className !== 'OAuthProvider' || options?.type !== 'ObjectExpression') continue;
		const fields = fieldsOf(options);
		const [apiHandler, route] = [fields.get('apiHandler'), literalText(fields.get('apiRoute'))];
		if (route?.startsWith('/') !== true || !apiHandler) continue;
		if (resolved(syntax, apiHandler) === handler) yield [`${route}*`, 'apiRoute of OAuthProvider'];
	}
}

function matches(route: string, path: string): boolean {
	return route.endsWith('*')
		? path.startsWith(route.replace(/\/?\*$/, ''))
		: route.replace(/\/$/, '') === path.replace(/\/$/, '');
}

function escaped(text: string): string {
	return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
}
