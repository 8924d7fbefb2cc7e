import { chooseSessions } from '@tmcp-sessions/core';
import type { AnyNode } from 'acorn';

import { literalOf } from './literals.ts';
import type { Project } from './project.ts';
import type { ConfigPath, WranglerConfig } from './read-config.ts';
import type { Construction, Entry } from './read-entry.ts';
import { isValue } from './routes.ts';
import { fieldsOf } from './syntax.ts';
import { valuesOf } from './values.ts';

/**
 * Returns the constructions that a deployment uses: all but those of managers that `chooseSessions` does
 * not choose there. `undefined` if the configuration does not say what it chooses.
 */
export function constructionsIn(
	{ config, entry }: Pick<Project, 'config' | 'entry'>,
	root: ConfigPath,
): readonly Construction[] | undefined {
	const chosen = new Set<Construction>();
	const offered = new Set<Construction>();
	for (const choice of entry.constructions) {
		if (choice.className !== 'chooseSessions') continue;
		const available = availableIn(choice);
		const nodes = available && chosenNodes(entry, choice, available, config, root);
		if (!nodes) return undefined;
		for (const managers of Object.values(available)) {
			for (const create of Object.values(managers)) {
				for (const each of constructionsBelow(entry, create())) {
					offered.add(each);
					if (nodes.includes(create())) chosen.add(each);
				}
			}
		}
	}
	return entry.constructions.filter((each) => chosen.has(each) || !offered.has(each));
}

type Available = Readonly<Record<string, Readonly<Record<string, () => AnyNode>>>>;

/** Returns the functions that create the managers, or `undefined` if the code computes them. */
function availableIn({ args: [, available] }: Construction): Available | undefined {
	if (available?.type !== 'ObjectExpression') return undefined;
	const roles = [...fieldsOf(available)].map(([role, managers]) => {
		const byName = managers.type === 'ObjectExpression' ? [...fieldsOf(managers)] : [];
		return [role, Object.fromEntries(byName.map(([name, node]) => [name, () => node]))] as const;
	});
	return Object.fromEntries(roles);
}

/** Returns the functions that are called in an environment. */
function chosenNodes(
	{ syntax }: Entry,
	{ node }: Construction,
	available: Available,
	config: WranglerConfig,
	root: ConfigPath,
): readonly AnyNode[] | undefined {
	const [first] = node.arguments;
	const settings = (first ? valuesOf(syntax, first) : []).map((value) =>
		value.type === 'MemberExpression' && value.property.type === 'Identifier'
			? config.get(...root, 'vars', value.property.name)
			: literalOf(syntax, value)?.value,
	);
	const setting = settings.find((each) => each !== undefined);
	const names = Object.entries(Object(setting) as object).map(([role, name]) => `${role}=${name}`);
	try {
		return Object.values(
			chooseSessions(typeof setting === 'string' ? setting : names.join(' '), available),
		);
	} catch {
		return undefined; // Another rule reports a wrong setting.
	}
}

/** Returns the constructions in a function, and in what it uses. */
function constructionsBelow(entry: Entry, start: AnyNode): readonly Construction[] {
	const { constructions, syntax } = entry;
	const found = new Set<AnyNode>();
	const visit = (outer: AnyNode): void => {
		if (found.has(outer)) return;
		for (const node of syntax.nodes) {
			if (node.start < outer.start || node.end > outer.end || found.has(node)) continue;
			found.add(node);
			if (node.type !== 'Identifier' || !isValue(syntax, node)) continue;
			for (const value of valuesOf(syntax, node)) visit(value);
		}
	};
	visit(start);
	return constructions.filter(({ node }) => found.has(node));
}
