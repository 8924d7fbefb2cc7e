import type { AnyNode, Expression, ObjectExpression } from 'acorn';

import { createsHandler } from './manager-classes.ts';
import type { Construction, Entry } from './read-entry.ts';
import { fieldsOf } from './syntax.ts';
import type { Syntax } from './syntax.ts';
import { valuesOf } from './values.ts';

/** A handler of this family, with the options that the code writes. */
export interface Handler {
	readonly construction: Construction;
	readonly options: Options;
	/** The server or the factory, if there is one. */
	readonly server: AnyNode | undefined;
}

/** The options of a call, with those of spread objects. */
export interface Options {
	readonly fields: ReadonlyMap<string, Expression>;
	/** Whether the code computes no other options. */
	readonly isComplete: boolean;
}

const NONE: Options = { fields: new Map(), isComplete: true };

/** Returns the handlers of an entry. */
export function handlersOf({ constructions, syntax }: Entry): readonly Handler[] {
	return constructions.filter(createsHandler).map((construction) => {
		const isRouter = construction.className === 'createSessionRouter';
		const [server] = isRouter ? [] : construction.node.arguments;
		return { construction, server, options: optionsAt(syntax, construction, isRouter ? 0 : 1) };
	});
}

/** Returns the options that a call has as an argument. */
function optionsAt(syntax: Syntax, { node }: Construction, index: number): Options {
	const argument = node.arguments[index];
	return argument ? optionsIn(syntax, argument) : NONE;
}

/** Returns the last argument of a call that is an object. */
export function lastOptions(syntax: Syntax, { args, node }: Construction): Options {
	const index = args.findLastIndex(({ type }) => type === 'ObjectExpression');
	const argument = node.arguments[index];
	return argument ? optionsIn(syntax, argument) : { ...NONE, isComplete: args.length === 0 };
}

function optionsIn(syntax: Syntax, node: AnyNode): Options {
	const [only, another] = valuesOf(syntax, node);
	if (only?.type !== 'ObjectExpression' || another) return { ...NONE, isComplete: false };
	return optionsOfObject(syntax, only);
}

/** Returns the fields of an object, with those of the objects that it spreads. */
export function optionsOfObject(syntax: Syntax, object: ObjectExpression): Options {
	let isComplete = true;
	const fields = new Map<string, Expression>();
	for (const property of object.properties) {
		const spread =
			property.type === 'SpreadElement'
				? optionsIn(syntax, property.argument)
				: {
						fields: fieldsOf({ ...object, properties: [property] }),
						isComplete: !property.computed,
					};
		isComplete &&= spread.isComplete;
		for (const [name, value] of spread.fields) fields.set(name, value);
	}
	return { fields, isComplete };
}

/** Returns the construction that an option has as its value. */
export function constructionOf(
	{ constructions, syntax }: Entry,
	value: AnyNode | undefined,
): Construction | undefined {
	const values = value ? valuesOf(syntax, value) : [];
	return constructions.find(({ node }) => values.includes(node));
}
