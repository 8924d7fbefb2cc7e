import type { AnyNode } from 'acorn';
import type { BindingKind } from '@tmcp-sessions/core/backend';

import { optionsOfObject } from './handler-options.ts';
import { managerOf } from './manager-classes.ts';
import type { NeededBinding } from './manager-classes.ts';
import type { Construction, Entry, Place } from './read-entry.ts';
import { importedBy, literalText } from './syntax.ts';
import type { Syntax } from './syntax.ts';
import { valuesOf } from './values.ts';

/** A binding that the code uses. */
export interface UsedBinding {
	readonly kind: BindingKind;
	readonly name: string;
	readonly user: string;
	readonly isOfInfo: boolean;
	readonly place: Place;
}

/** Returns the bindings that constructions use, without those whose names the code computes. */
export function usedBindings(
	{ syntax }: Entry,
	constructions: readonly Construction[],
): readonly UsedBinding[] {
	const used = constructions.flatMap((construction) => {
		const manager = managerOf(construction);
		const { className: user, place } = construction;
		return (manager?.bindings ?? []).flatMap((needed): UsedBinding[] => {
			const name = bindingName(syntax, construction, needed);
			if (name === undefined || name === COMPUTED) return [];
			return [{ kind: needed.kind, name, user, isOfInfo: manager?.role === 'info', place }];
		});
	});
	// Managers share bindings.
	const byKind = new Map(
		used.map((use) => [`${use.name} ${use.kind.packageName} ${use.kind.what}`, use]),
	);
	return [...byKind.values()];
}

/** Returns the managers with a binding whose name the code computes. */
export function computedBindings({ constructions, syntax }: Entry): readonly Construction[] {
	return constructions.filter((construction) =>
		managerOf(construction)?.bindings?.some(
			(needed) => bindingName(syntax, construction, needed) === COMPUTED,
		),
	);
}

/** The name is not written in the code. */
const COMPUTED = Symbol('computed');

/** Returns the name of the binding, or `undefined` if the construction needs none. */
function bindingName(
	syntax: Syntax,
	{ args: [first], node }: Construction,
	{ isOptional, kind, option = 'binding', unless }: NeededBinding,
): string | typeof COMPUTED | undefined {
	const byDefault = isOptional ? undefined : kind.defaultName;
	const isAbsent =
		first?.type === 'UnaryExpression' ||
		(first?.type === 'Identifier' && first.name === 'undefined');
	if (first === undefined || isAbsent) return byDefault;
	if (first.type !== 'ObjectExpression') {
		return unless || isOptional ? undefined : nameIn(syntax, node.arguments[0]);
	}
	const { fields, isComplete } = optionsOfObject(syntax, first);
	if (unless !== undefined && fields.has(unless)) return undefined;
	if (unless === undefined && fields.has(option)) return nameIn(syntax, fields.get(option));
	return isComplete || byDefault === undefined ? byDefault : COMPUTED;
}

function nameIn(syntax: Syntax, node: AnyNode | undefined): string | typeof COMPUTED {
	const names = node
		? valuesOf(syntax, node).map((value) => literalText(value) ?? memberOfEnv(syntax, value))
		: [];
	const [only, another] = [...new Set(names)];
	return another === undefined && only !== undefined && names.every((name) => name === only)
		? only
		: COMPUTED;
}

/** Returns the name of a binding that the code takes from `env`. */
function memberOfEnv(syntax: Syntax, node: AnyNode): string | undefined {
	if (node.type !== 'MemberExpression' || node.computed) return undefined;
	const { object, property } = node;
	const isEnv =
		importedBy(syntax, object)?.name === 'env' ||
		(object.type === 'Identifier' && /^env\d*$/.test(object.name)) ||
		(object.type === 'MemberExpression' &&
			object.property.type === 'Identifier' &&
			object.property.name === 'env');
	return isEnv && property.type === 'Identifier' ? property.name : undefined;
}
