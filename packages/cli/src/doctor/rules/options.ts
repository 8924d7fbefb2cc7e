import type { AnyNode } from 'acorn';

import { createsHandler, managerOf } from '../manager-classes.ts';
import { nearest } from '../nearest.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import { placeOf } from '../read-entry.ts';
import type { Construction, Entry } from '../read-entry.ts';
import { fieldsOf, literalText, methodOf, resolved } from '../syntax.ts';

/** Checks the tools and the state that options name. */
export function* checkOptions({ entry }: Project): Generator<Problem> {
	for (const construction of entry.constructions) {
		const options = construction.args.findLast(({ type }) => type === 'ObjectExpression');
		if (options?.type !== 'ObjectExpression') continue;
		const fields = fieldsOf(options);
		if (managerOf(construction)?.role === 'tasks') {
			const tools = fields.get('tools');
			const value = tools && resolved(entry.syntax, tools);
			if (value?.type === 'ObjectExpression') yield* checkTools(entry, [...fieldsOf(value).keys()]);
		}
	}
	yield* checkState(entry);
}

/** Checks that the tools of tasks are tools of the server, unless the code computes names. */
function* checkTools({ sources, syntax }: Entry, names: readonly string[]): Generator<Problem> {
	const calls = syntax.nodes.flatMap((node) =>
		node.type === 'CallExpression' && /^(?:registerTool|tool)$/.test(methodOf(node) ?? '')
			? [resolved(syntax, node.arguments[0] ?? node)]
			: [],
	);
	const tools = calls.map((node) =>
		node.type === 'ObjectExpression' ? literalText(fieldsOf(node).get('name')) : literalText(node),
	);
	const known = tools.filter((name) => name !== undefined);
	if (known.length === 0 || known.length < tools.length) return;
	const texts = new Set(syntax.nodes.map((node) => literalText(node)));
	for (const name of names) {
		// A list of tools may name it, too.
		if (known.includes(name) || texts.has(name)) continue;
		const similar = nearest(name, known);
		yield {
			rule: 'tasks',
			severity: 'error',
			...placeOf(new RegExp(String.raw`\b${name}\b['"]?\s*[:({,]`), sources),
			message: `tasks name the tool ${name}, which the server does not have: its calls cannot become tasks`,
			fix: `name one of its tools: ${similar ?? known.join(', ')}`,
		};
	}
}

/** Checks that the state of sessions is in the manager that the handler gets. */
function* checkState({ constructions, sources, syntax }: Entry): Generator<Problem> {
	const stores = constructions.filter(
		({ className, packageName }) =>
			className === 'sessionState' && packageName === '@tmcp-sessions/state',
	);
	for (const handler of constructions.filter(createsHandler)) {
		const options = handler.args.findLast(({ type }) => type === 'ObjectExpression');
		const info = options?.type === 'ObjectExpression' ? fieldsOf(options).get('info') : undefined;
		const used = info && managerIn(constructions, resolved(syntax, info));
		for (const { args } of used ? stores : []) {
			const found = args[0] && managerIn(constructions, args[0]);
			if (!found || !used || identityOf(found) === identityOf(used)) continue;
			yield {
				rule: 'state',
				severity: 'error',
				...placeOf(/\bsessionState\s*\(/, sources),
				message: `sessionState gets ${identityOf(found)}, and the handler has ${identityOf(used)} as info: it finds no session`,
				fix: 'create the manager once, and pass it to both',
			};
		}
	}
}

function managerIn(
	constructions: readonly Construction[],
	node: AnyNode,
): Construction | undefined {
	return constructions.find((each) => each.node === node && managerOf(each)?.role === 'info');
}

/** Returns a text that is the same for managers over the same storage. */
function identityOf({ args: [first], className }: Construction): string {
	const name = literalText(first);
	return name === undefined ? className : `${className} of ${name}`;
}
