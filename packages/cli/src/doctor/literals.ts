import type { AnyNode } from 'acorn';

import { optionsOfObject } from './handler-options.ts';
import type { Options } from './handler-options.ts';
import { literalText } from './syntax.ts';
import type { Syntax } from './syntax.ts';
import { valuesOf } from './values.ts';

/** A value that the code writes. */
export interface Literal {
	readonly value: unknown;
}

/**
 * Returns the value that the code writes for an expression, or `undefined` if it computes the value. An
 * object is without the fields that are computed.
 */
export function literalOf(syntax: Syntax, node: AnyNode): Literal | undefined {
	const text = literalText(node);
	if (text !== undefined) return { value: text };
	if (node.type === 'Literal') {
		return node.value instanceof RegExp ? undefined : { value: node.value };
	}
	if (node.type === 'Identifier') {
		if (node.name === 'undefined') return { value: undefined };
		if (node.name === 'Infinity') return { value: Infinity };
		const [only, another] = valuesOf(syntax, node);
		return only && !another && only.type !== 'Identifier' ? literalOf(syntax, only) : undefined;
	}
	if (node.type === 'UnaryExpression' || node.type === 'BinaryExpression') {
		return numberOf(syntax, node);
	}
	if (node.type === 'ArrayExpression') {
		const found = node.elements.map((each) => each && literalOf(syntax, each));
		const known = found.filter((each) => each !== null && each !== undefined);
		return known.length === found.length ? { value: known.map(({ value }) => value) } : undefined;
	}
	if (node.type !== 'ObjectExpression') return undefined;
	return { value: literalFields(syntax, optionsOfObject(syntax, node).fields) };
}

/** Returns the fields whose values the code writes. */
export function literalFields(
	syntax: Syntax,
	fields: Options['fields'],
): Readonly<Record<string, unknown>> {
	return Object.fromEntries(
		[...fields].flatMap(([name, node]) => {
			const found = literalOf(syntax, node);
			return found ? [[name, found.value] as const] : [];
		}),
	);
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
): Literal | undefined {
	const read = (each: AnyNode): number | undefined => {
		const value = literalOf(syntax, each)?.value;
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
