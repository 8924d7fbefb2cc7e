import type { AnyNode } from 'acorn';

import { handlersOf } from '../handler-options.ts';
import type { Handler } from '../handler-options.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import type { Entry } from '../read-entry.ts';
import { literalText, methodOf } from '../syntax.ts';
import { valuesOf } from '../values.ts';

const METHODS = ['POST', 'GET', 'DELETE'];

/** Checks that conditions pass POST, GET and DELETE to a handler with sessions. */
export function* checkMethodGuards({ entry }: Project): Generator<Problem> {
	for (const handler of handlersOf(entry)) {
		const { construction, options } = handler;
		const isRouter = construction.className === 'createSessionRouter';
		if (!isRouter && (!options.fields.has('info') || construction.className === 'createSseHandler'))
			continue;
		const calls = callsOf(entry, handler);
		const allowed = calls.map((call) => methodsAt(entry, call));
		if (calls.length === 0 || allowed.some((each) => each === undefined)) continue;
		const missing = METHODS.filter((method) => !allowed.some((each) => each?.includes(method)));
		const [first] = calls;
		if (!first || missing.length === 0) continue;
		yield {
			rule: 'endpoint',
			severity: 'error',
			...entry.placeAt(first),
			message: `a condition passes only ${[...new Set(allowed.flat())].join(', ')} to the handler: ${missing.join(' and ')} never reach it`,
			fix: 'pass every method: the handler rejects those that it does not serve',
		};
	}
}

function callsOf({ syntax }: Entry, { construction }: Handler): readonly AnyNode[] {
	return syntax.nodes.filter(
		(node) =>
			node.type === 'CallExpression' &&
			methodOf(node) === 'fetch' &&
			node.callee.type === 'MemberExpression' &&
			valuesOf(syntax, node.callee.object).includes(construction.node),
	);
}

/** Returns the methods with which a node is reached, or `undefined` for all. */
function methodsAt({ syntax }: Entry, node: AnyNode): readonly string[] | undefined {
	for (let at: AnyNode = node; ;) {
		const parent = syntax.parents.get(at);
		if (!parent) return undefined;
		const isBranch = parent.type === 'IfStatement' || parent.type === 'ConditionalExpression';
		if (isBranch && parent.consequent === at) {
			const found = methodsOf(parent.test, '===', '||');
			if (found) return found;
		}
		if (isBranch && parent.alternate === at) {
			const found = methodsOf(parent.test, '!==', '&&');
			if (found) return found;
		}
		if (parent.type === 'BlockStatement') {
			for (const statement of parent.body) {
				if (statement.start >= at.start) break;
				const found =
					statement.type === 'IfStatement' && leaves(statement.consequent)
						? methodsOf(statement.test, '!==', '&&')
						: undefined;
				if (found) return found;
			}
		}
		at = parent;
	}
}

function leaves(node: AnyNode): boolean {
	const last = node.type === 'BlockStatement' ? node.body.at(-1) : node;
	return last?.type === 'ReturnStatement' || last?.type === 'ThrowStatement';
}

/** Returns the methods that a test compares with, if it compares with nothing else. */
function methodsOf(
	test: AnyNode,
	operator: '!==' | '===',
	joined: '&&' | '||',
): readonly string[] | undefined {
	if (test.type === 'LogicalExpression') {
		const sides = [methodsOf(test.left, operator, joined), methodsOf(test.right, operator, joined)];
		// One side of `method === 'POST' && path === '/mcp'` is enough.
		if (test.operator === '&&' && operator === '===') return sides[0] ?? sides[1];
		return test.operator === joined && sides[0] && sides[1]
			? [...sides[0], ...sides[1]]
			: undefined;
	}
	if (test.type !== 'BinaryExpression') return undefined;
	if (test.operator !== operator && `${test.operator}=` !== operator) return undefined;
	const text = literalText(test.right) ?? literalText(test.left);
	const compared = literalText(test.right) === undefined ? test.right : test.left;
	const isMethod =
		(compared.type === 'MemberExpression' &&
			compared.property.type === 'Identifier' &&
			compared.property.name === 'method') ||
		(compared.type === 'Identifier' && compared.name === 'method');
	return isMethod && text !== undefined ? [text] : undefined;
}
