import type { AnyNode } from 'acorn';

import type { Syntax } from './syntax.ts';
import { fieldName, isFunction, literalText, methodOf, resolved } from './syntax.ts';

/** The methods with which routers of Workers register a function for a path. */
const ROUTES = new Set(['all', 'delete', 'get', 'on', 'patch', 'post', 'put', 'route', 'use']);

/**
 * Returns whether code runs in each request. A result that is stored outside of the function, such as
 * `handler ??= create()`, does not count.
 */
export function findRequestCode(syntax: Syntax): (node: AnyNode) => boolean {
	const functions = new Set(requestFunctions(syntax));
	const isInRequest = (node: AnyNode): boolean => {
		for (let at: AnyNode | undefined = node; at; at = syntax.parents.get(at)) {
			if (functions.has(at)) return true;
			if (isStored(syntax, at)) return false;
		}
		return false;
	};
	// What these functions call runs in each request, too.
	for (let before = -1; before < functions.size;) {
		before = functions.size;
		for (const node of syntax.nodes) {
			if (node.type !== 'CallExpression' || node.callee.type !== 'Identifier') continue;
			const called = resolved(syntax, node.callee);
			if (isFunction(called) && !functions.has(called) && isInRequest(node)) functions.add(called);
		}
	}
	return isInRequest;
}

/** Finds the functions that the platform or a router calls for a request. */
function requestFunctions(syntax: Syntax): AnyNode[] {
	return syntax.nodes.flatMap((node) => {
		if (fieldName(node) === 'fetch' && 'value' in node && isNodeLike(node.value)) {
			const value = resolved(syntax, node.value);
			return isFunction(value) ? value : [];
		}
		if (!ROUTES.has(methodOf(node) ?? '') || node.type !== 'CallExpression') return [];
		if (literalText(node.arguments[0]) === undefined) return [];
		return node.arguments.map((each) => resolved(syntax, each)).filter(isFunction);
	});
}

function isNodeLike(value: unknown): value is AnyNode {
	return typeof value === 'object' && value !== null && 'type' in value;
}

/** Whether an expression is stored where the next request finds it. */
function isStored({ declarations }: Syntax, node: AnyNode): boolean {
	if (node.type === 'AssignmentExpression') {
		const { left } = node;
		return (
			left.type === 'MemberExpression' ||
			(left.type === 'Identifier' && declarations.has(left.name))
		);
	}
	return methodOf(node) === 'set';
}
