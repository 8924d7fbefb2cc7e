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
	switch (node.type) {
		case 'Literal':
			return node.value instanceof RegExp ? undefined : { value: node.value };
		case 'Identifier': {
			if (node.name === 'undefined') return { value: undefined };
			if (node.name === 'Infinity') return { value: Infinity };
			const [only, another] = valuesOf(syntax, node);
			return only && !another && only.type !== 'Identifier'
				? literalOf(syntax, only, standIn, option)
				: undefined;
		}
		case 'UnaryExpression':
		case 'BinaryExpression':
			return numberOf(syntax, node, standIn);
		case 'ArrayExpression':
			return {
				value: node.elements.map((each) => {
					const found = each && literalOf(syntax, each, standIn);
					return found ? found.value : standIn(option);
				}),
			};
		case 'ObjectExpression':
			return {
				value: Object.fromEntries(
					[...fieldsOf(node)].map(([name, value]) => {
						const found = literalOf(syntax, value, standIn, name);
						return [name, found ? found.value : standIn(name)];
					}),
				),
			};
		default:
			return undefined;
	}
}

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
	if (left === undefined || right === undefined) return undefined;
	switch (node.operator) {
		case '+':
			return { value: left + right };
		case '-':
			return { value: left - right };
		case '*':
			return { value: left * right };
		case '/':
			return { value: left / right };
		case '**':
			return { value: left ** right };
		default:
			return undefined;
	}
}
