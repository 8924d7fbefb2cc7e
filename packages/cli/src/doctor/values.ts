import type { AnyNode, CallExpression, Pattern } from 'acorn';

import { fieldsOf, isFunction, literalText } from './syntax.ts';
import type { Syntax } from './syntax.ts';

/** Longer chains of names are not followed. */
const MAX_DEPTH = 12;

/**
 * Returns the expressions that an expression may stand for: the values of its variable in any scope, the
 * arguments of its parameter, the results of functions of the project, and both sides of a condition.
 */
export function valuesOf(syntax: Syntax, node: AnyNode, depth = 0): readonly AnyNode[] {
	if (depth > MAX_DEPTH) return [];
	const follow = (...nodes: readonly (AnyNode | null | undefined)[]): AnyNode[] => [
		...new Set(nodes.flatMap((each) => (each ? valuesOf(syntax, each, depth + 1) : []))),
	];
	if (node.type === 'Identifier') {
		const found = sourcesOfName(syntax, node, node.name);
		return found.length === 0 ? [node] : follow(...found);
	}
	if (node.type === 'AwaitExpression') return follow(node.argument);
	if (node.type === 'ChainExpression') return follow(node.expression);
	if (node.type === 'AssignmentExpression') return follow(node.right);
	if (node.type === 'ConditionalExpression') return follow(node.consequent, node.alternate);
	if (node.type === 'LogicalExpression') return follow(node.left, node.right);
	if (node.type === 'MemberExpression') return membersOf(syntax, node, follow) ?? [node];
	if (node.type !== 'CallExpression') return [node];
	if (isFreeze(node)) return follow(node.arguments[0]);
	const functions = follow(node.callee).filter(isFunction);
	const results = functions.flatMap((each) => resultsOf(syntax, each));
	return results.length === 0 ? [node] : follow(...results);
}

/** Whether a call is that of `Object.freeze`, which returns its argument. */
function isFreeze({ callee }: CallExpression): boolean {
	return (
		callee.type === 'MemberExpression' &&
		callee.object.type === 'Identifier' &&
		callee.object.name === 'Object' &&
		callee.property.type === 'Identifier' &&
		callee.property.name === 'freeze'
	);
}

/** Returns the values of a field of objects that the code writes. */
function membersOf(
	{ imports }: Syntax,
	{ computed, object, property }: Extract<AnyNode, { type: 'MemberExpression' }>,
	follow: (node: AnyNode | undefined) => readonly AnyNode[],
): readonly AnyNode[] | undefined {
	const name = computed
		? literalText(property)
		: property.type === 'Identifier'
			? property.name
			: undefined;
	if (name === undefined) return undefined;
	if (object.type === 'Identifier' && imports.has(object.name)) return undefined;
	const values = follow(object).flatMap((each) =>
		each.type === 'ObjectExpression' ? follow(fieldsOf(each).get(name)) : [],
	);
	return values.length === 0 ? undefined : values;
}

/** Returns what a function returns. */
export function resultsOf({ nodes, parents }: Syntax, fn: AnyNode): readonly AnyNode[] {
	if (fn.type === 'ArrowFunctionExpression' && fn.body.type !== 'BlockStatement') return [fn.body];
	return nodes.flatMap((node) => {
		if (node.type !== 'ReturnStatement' || !node.argument) return [];
		return functionAround(parents, node) === fn ? [node.argument] : [];
	});
}

/** Returns the function that a node is in. */
export function functionAround(parents: Syntax['parents'], node: AnyNode): AnyNode | undefined {
	let at = parents.get(node);
	while (at && !isFunction(at)) at = parents.get(at);
	return at;
}

/** Returns the expressions that a name gets its value from, in the nearest scope that declares it. */
function sourcesOfName(syntax: Syntax, node: AnyNode, name: string): readonly AnyNode[] {
	for (let at: AnyNode | undefined = node; at; at = syntax.parents.get(at)) {
		if (isFunction(at) && 'params' in at) {
			const index = at.params.findIndex((each) => namesIn(each).includes(name));
			if (index !== -1) return argumentsOf(syntax, at, index);
		}
		if (at.type !== 'BlockStatement' && at.type !== 'Program') continue;
		for (const statement of at.body) {
			const found = sourceIn(statement, name);
			if (found) return [...found, ...assignmentsTo(syntax, name)];
		}
	}
	return [];
}

function sourceIn(statement: AnyNode, name: string): readonly AnyNode[] | undefined {
	if (statement.type === 'FunctionDeclaration' || statement.type === 'ClassDeclaration') {
		return statement.id?.name === name ? [statement] : undefined;
	}
	if (statement.type !== 'VariableDeclaration') return undefined;
	for (const { id, init } of statement.declarations) {
		if (!namesIn(id).includes(name)) continue;
		if (!init) return [];
		if (id.type !== 'ObjectPattern' || init.type !== 'ObjectExpression') return [init];
		const field = fieldsOf(init).get(name);
		return field ? [field] : [init];
	}
	return undefined;
}

function namesIn(pattern: Pattern): readonly string[] {
	if (pattern.type === 'Identifier') return [pattern.name];
	if (pattern.type === 'AssignmentPattern') return namesIn(pattern.left);
	if (pattern.type === 'ArrayPattern') {
		return pattern.elements.flatMap((each) => (each ? namesIn(each) : []));
	}
	if (pattern.type !== 'ObjectPattern') return [];
	return pattern.properties.flatMap((each) =>
		namesIn(each.type === 'Property' ? each.value : each.argument),
	);
}

function assignmentsTo({ nodes }: Syntax, name: string): readonly AnyNode[] {
	return nodes.flatMap((node) =>
		node.type === 'AssignmentExpression' &&
		node.left.type === 'Identifier' &&
		node.left.name === name
			? [node.right]
			: [],
	);
}

/** Returns the arguments that calls of a function pass for a parameter. */
function argumentsOf(syntax: Syntax, fn: AnyNode, index: number): readonly AnyNode[] {
	return callsOf(syntax, fn).flatMap((call) => call.arguments[index] ?? []);
}

function callsOf({ nodes, parents }: Syntax, fn: AnyNode): readonly CallExpression[] {
	const parent = parents.get(fn);
	const named =
		fn.type === 'FunctionDeclaration'
			? fn.id
			: parent?.type === 'VariableDeclarator'
				? parent.id
				: undefined;
	if (named?.type !== 'Identifier') return [];
	return nodes.filter(
		(node): node is CallExpression =>
			node.type === 'CallExpression' &&
			node.callee.type === 'Identifier' &&
			node.callee.name === named.name,
	);
}
