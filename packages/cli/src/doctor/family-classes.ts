import type { AnyNode } from 'acorn';

import type { Entry } from './read-entry.ts';
import { importedBy } from './syntax.ts';
import { valuesOf } from './values.ts';

/** The classes of this family that the platform creates. */
export const PLATFORM_CLASSES: ReadonlySet<string> = new Set([
	'SessionObject',
	'SyncLayer',
	'SessionShard',
	'TaskObject',
	'TaskWorkflow',
]);

/** Whether a class that the entry exports is one of this family, or extends one. */
export function isFamilyClass({ syntax }: Entry, className: string): boolean {
	const exported = syntax.exports.get(className);
	if (exported === undefined) return PLATFORM_CLASSES.has(className);
	if (typeof exported === 'object') return isFamilyPackage(exported.packageName);
	const visited = new Set<AnyNode>();
	const isOfFamily = (node: AnyNode): boolean => {
		const imported = importedBy(syntax, node);
		if (imported) return isFamilyPackage(imported.packageName);
		// A function may create the class from another one.
		if (node.type === 'CallExpression' && node.arguments.some(isOfFamily)) return true;
		return valuesOf(syntax, node).some((value) => {
			const isClass = value.type === 'ClassDeclaration' || value.type === 'ClassExpression';
			if (!isClass || visited.has(value)) return false;
			visited.add(value);
			return value.superClass ? isOfFamily(value.superClass) : false;
		});
	};
	const declared = syntax.declarations.get(exported);
	return declared !== undefined && isOfFamily(declared);
}

function isFamilyPackage(name: string): boolean {
	return name.startsWith('@tmcp-sessions/');
}
