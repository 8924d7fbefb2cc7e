import type { AnyNode } from 'acorn';

import { fieldsOf, literalText } from './syntax.ts';
import type { Syntax } from './syntax.ts';
import { valuesOf } from './values.ts';

/** A value that the code writes, with a stand-in for each part that it computes. */
export interface Literal {
	readonly value: unknown;
}

/** Creates what stands for a computed value. */
export type StandIn = (option: string | undefined) => unknown;

/** Returns the value that the code writes for an expression, or `undefined` if it computes the value. */
export function literalOf(
	syntax: Syntax,
	node: AnyNode,
	standIn: StandIn,
	option?: string,
): Literal | undefined {
	const text = literalText(node);
	if (text !== undefined) return { value: text };
	if (node.type === 'Literal') {
		return node.value instanceof RegExp ? undefined : { value: node.value };
	}
	if (node.type === 'Identifier') {
		if (node.name === 'undefined') return { value: undefined };
		if (node.name === 'Infinity') return { value: Infinity };
		const [only, another] = valuesOf(syntax, node);
		return only && !another && only.type !== 'Identifier'
			? literalOf(syntax, only, standIn, option)
			: undefined;
	}
	if (node.type === 'UnaryExpression' || node.type === 'BinaryExpression') {
		return numberOf(syntax, node, standIn);
	}
	const read = (each: AnyNode | null, name?: string): unknown => {
		const found = each && literalOf(syntax, each, standIn, name);
		return found ? found.value : standIn(name ?? option);
	};
	if (node.type === 'ArrayExpression') return { value: node.elements.map((each) => read(each)) };
	if (node.type !== 'ObjectExpression') return undefined;
	const fields = [...fieldsOf(node)].map(([name, value]) => [name, read(value, name)] as const);
	return { value: Object.fromEntries(fields) };
}

const OPERATIONS: Readonly<Record<string, (left: number, right: number) => number>> = {
	'+': (left, right) => left + right,
	'-': (left, right) => left - right,
	'*': (left, right) => left * right,
	'/': (left, right) => left / right,
	'**': (left, right) => left ** right,
};

function numberOf(
	syntax: Syntax,
	node: Extract<AnyNode, { type: 'BinaryExpression' | 'UnaryExpression' }>,
	standIn: StandIn,
): Literal | undefined {
	const read = (each: AnyNode): number | undefined => {
		const value = literalOf(syntax, each, standIn)?.value;
		return typeof value === 'number' ? value : undefined;
	};
	if (node.type === 'UnaryExpression') {
		const value = read(node.argument);
		return node.operator === '-' && value !== undefined ? { value: -value } : undefined;
	}
	const [left, right] = [read(node.left), read(node.right)];
	const operation = OPERATIONS[node.operator];
	if (left === undefined || right === undefined || !operation) return undefined;
	return { value: operation(left, right) };
}
