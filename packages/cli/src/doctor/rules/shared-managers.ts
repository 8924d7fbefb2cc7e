import type { AnyNode } from 'acorn';

import { constructionOf, handlersOf, lastOptions } from '../handler-options.ts';
import type { Handler } from '../handler-options.ts';
import { managerOf } from '../manager-classes.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import type { Construction, Entry } from '../read-entry.ts';
import { literalText } from '../syntax.ts';
import { valuesOf } from '../values.ts';

const MANAGERS = ['info', 'streams', 'subscriptions'];

/** Checks that handlers of different servers share no managers, and that objects have one jurisdiction. */
export function* checkSharedManagers({ entry }: Project): Generator<Problem> {
	yield* checkServers(entry);
	yield* checkTransports(entry);
	yield* checkJurisdictions(entry);
}

function* checkServers(entry: Entry): Generator<Problem> {
	const handlers = handlersOf(entry).filter(({ server }) => server);
	for (const [index, handler] of handlers.entries()) {
		const other = handlers
			.slice(0, index)
			.find((each) => !hasSameServer(entry, each, handler) && sharedOf(entry, each, handler));
		const shared = other && sharedOf(entry, other, handler);
		if (!shared) continue;
		const [first, second] = [other, handler].map(({ construction }) => construction);
		yield {
			rule: 'managers',
			severity: 'error',
			...handler.construction.place,
			message:
				`two handlers of different servers (${first?.place.file}:${first?.place.line} and ${second?.place.line}) ` +
				`share their ${shared}: sessions of one are valid at the other, and changes reach the clients of both`,
			fix: 'give each handler separate managers, bindings and sessionKeys',
		};
	}
}

function hasSameServer({ syntax }: Entry, one: Handler, other: Handler): boolean {
	const serversOf = ({ server }: Handler): readonly AnyNode[] =>
		server ? valuesOf(syntax, server) : [];
	const servers = serversOf(one);
	return serversOf(other).some((each) => servers.includes(each));
}

/** Returns the option for which two handlers have managers over the same storage. */
function sharedOf(entry: Entry, one: Handler, other: Handler): string | undefined {
	return MANAGERS.find((option) => {
		const [left, right] = [one, other].map(({ options }) =>
			constructionOf(entry, options.fields.get(option)),
		);
		return left && right && placeOfStorage(entry, left) === placeOfStorage(entry, right);
	});
}

/** Returns a text that is the same for managers over the same storage; another one if it is computed. */
function placeOfStorage({ constructions, syntax }: Entry, construction: Construction): string {
	const { args, className } = construction;
	const name = bindingOf(construction);
	const isDefault = args.length === 0 || lastOptions(syntax, construction).isComplete;
	if (!isDefault || name === undefined) return `${constructions.indexOf(construction)}`;
	// Streams and subscriptions of one class share objects.
	return `${className} ${name} ${jurisdictionOf({ syntax }, construction) ?? ''}`;
}

/** Returns the name of a binding, a text for the default, or `undefined` if it is computed. */
function bindingOf({ args: [first] }: Construction): string | undefined {
	if (first === undefined) return '(default)';
	if (first.type !== 'ObjectExpression') return literalText(first);
	const binding = first.properties.find(
		(each) =>
			each.type === 'Property' &&
			each.key.type === 'Identifier' &&
			/^(?:binding|object)$/.test(each.key.name),
	);
	return binding?.type === 'Property' ? literalText(binding.value) : '(default)';
}

/** Checks that both transports of a server have the same manager objects. */
function* checkTransports(entry: Entry): Generator<Problem> {
	const handlers = handlersOf(entry);
	const sse = handlers.find(({ construction }) => construction.className === 'createSseHandler');
	const mcp = handlers.find(
		(each) => sse && each !== sse && hasSameServer(entry, sse, each) && each.server,
	);
	if (!sse || !mcp) return;
	for (const option of ['streams', 'info']) {
		const [own, other] = [sse, mcp].map(({ options }) =>
			constructionOf(entry, options.fields.get(option)),
		);
		if (!own || !other || own === other) continue;
		yield {
			rule: 'managers',
			severity: 'error',
			...own.place,
			message: `${sse.construction.className} and ${mcp.construction.className} serve one server with two managers as ${option}: a change reaches sessions twice, or not at all`,
			fix: `create one ${own.className}, and pass it to both`,
		};
	}
}

/** Returns the option `jurisdiction`; '' if there is none, `undefined` if it is computed. */
function jurisdictionOf(
	{ syntax }: Pick<Entry, 'syntax'>,
	construction: Construction,
): string | undefined {
	const { fields, isComplete } = lastOptions(syntax, construction);
	const value = fields.get('jurisdiction');
	if (!value) return isComplete || construction.args.length < 2 ? '' : undefined;
	const [only] = valuesOf(syntax, value);
	return literalText(only);
}

function* checkJurisdictions(entry: Entry): Generator<Problem> {
	const placed = entry.constructions.filter(
		(each) =>
			managerOf(each)?.bindings?.some(({ kind, unless }) => kind.durableObject && !unless) ===
				true || each.className === 'publishChange',
	);
	const found = placed.flatMap((construction) => {
		const jurisdiction = jurisdictionOf(entry, construction);
		return jurisdiction === undefined ? [] : [{ construction, jurisdiction }];
	});
	const set = found.find(({ jurisdiction }) => jurisdiction !== '');
	if (!set) return;
	for (const { construction, jurisdiction } of found) {
		if (jurisdiction === set.jurisdiction) continue;
		yield {
			rule: 'managers',
			severity: 'error',
			...construction.place,
			message:
				`${construction.className} has ${jurisdiction === '' ? 'no jurisdiction' : `the jurisdiction ${jurisdiction}`}, and ` +
				`${set.construction.className} (${set.construction.place.file}:${set.construction.place.line}) has ${set.jurisdiction}: ` +
				'part of the data is stored elsewhere, and objects of another jurisdiction are not found',
			fix: `pass jurisdiction: '${set.jurisdiction}' to every manager of the deployment`,
		};
	}
}
