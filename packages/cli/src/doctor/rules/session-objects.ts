import type { AnyNode } from 'acorn';

import { PLATFORM_CLASSES } from '../family-classes.ts';
import { constructionOf, handlersOf, lastOptions, optionsOfObject } from '../handler-options.ts';
import type { Options } from '../handler-options.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import type { Construction, Entry } from '../read-entry.ts';
import { fieldName, importedBy, literalText, methodOf } from '../syntax.ts';
import { valuesOf } from '../values.ts';

const EVENTS = new Set([
	'alarm',
	'fetch',
	'run',
	'webSocketClose',
	'webSocketError',
	'webSocketMessage',
]);
/** What the only alarm and the storage of an object are used for. */
const RESERVED = new Set(['deleteAlarm', 'deleteAll', 'setAlarm']);
/** The options that the router and the class must both have. */
const SHARED = ['sse', 'tasks', 'eras'];

/** A class of the project that extends one of this family. */
interface Extension {
	readonly base: string;
	readonly name: string;
	readonly node: Extract<AnyNode, { type: 'ClassDeclaration' | 'ClassExpression' }>;
}

/** Checks the classes that extend those of this family, and their routers. */
export function* checkSessionObjects({ entry }: Project): Generator<Problem> {
	const extensions = extensionsOf(entry);
	for (const extension of extensions) {
		yield* checkEvents(entry, extension);
		if (extension.base === 'SessionObject') yield* checkReserved(entry, extension);
	}
	yield* checkSettings(entry, extensions);
	yield* checkSsePaths(entry);
}

/** Returns the classes that extend one of this family, directly or not. */
export function extensionsOf(entry: Entry): readonly Extension[] {
	return entry.syntax.nodes.flatMap((node): Extension[] => {
		if (node.type !== 'ClassDeclaration' && node.type !== 'ClassExpression') return [];
		const base = baseOf(entry, node);
		return base === undefined ? [] : [{ base, name: nameOf(entry, node), node }];
	});
}

function baseOf(entry: Entry, { superClass }: Extension['node']): string | undefined {
	if (!superClass) return undefined;
	const imported = importedBy(entry.syntax, superClass);
	if (imported) return PLATFORM_CLASSES.has(imported.name) ? imported.name : undefined;
	const [value] = valuesOf(entry.syntax, superClass);
	const isClass = value?.type === 'ClassDeclaration' || value?.type === 'ClassExpression';
	return isClass ? baseOf(entry, value) : undefined;
}

function nameOf({ syntax }: Entry, node: Extension['node']): string {
	const parent = syntax.parents.get(node);
	const named = node.id ?? (parent?.type === 'VariableDeclarator' ? parent.id : undefined);
	return named?.type === 'Identifier' ? named.name : 'the class';
}

function* checkEvents(entry: Entry, { base, name, node }: Extension): Generator<Problem> {
	for (const member of node.body.body) {
		const event = fieldName(member) ?? '';
		if (!EVENTS.has(event) || ('static' in member && member.static)) continue;
		const callsSuper = nodesIn(entry, member).some(
			(each) =>
				each.type === 'MemberExpression' &&
				each.object.type === 'Super' &&
				each.property.type === 'Identifier' &&
				each.property.name === event,
		);
		if (callsSuper) continue;
		yield {
			rule: 'classes',
			severity: 'error',
			...entry.placeAt(member),
			message: `${name} overrides ${event} of ${base} and does not call it: what ${base} does there is lost`,
			fix:
				base === 'SessionObject' && event === 'alarm'
					? 'remove alarm: session.schedule(name, when) calls onSchedule at a time'
					: `return super.${event}(…) for all that is not yours`,
		};
	}
}

/** Checks that code of a session object leaves the alarm and the storage to its base class. */
function* checkReserved(entry: Entry, { name, node }: Extension): Generator<Problem> {
	for (const each of nodesIn(entry, node)) {
		const method = methodOf(each) ?? '';
		if (each.type !== 'CallExpression' || !RESERVED.has(method)) continue;
		if (each.callee.type !== 'MemberExpression' || !isStorage(each.callee.object)) continue;
		yield {
			rule: 'classes',
			severity: 'error',
			...entry.placeAt(each),
			message: `${name} calls ${method} of its storage, which SessionObject uses itself: sessions then never end, or lose their data`,
			fix:
				method === 'deleteAll'
					? 'delete your own tables and keys'
					: 'use session.schedule(name, when), which calls onSchedule at a time',
		};
	}
}

function isStorage(node: AnyNode): boolean {
	return (
		node.type === 'MemberExpression' &&
		node.property.type === 'Identifier' &&
		node.property.name === 'storage'
	);
}

function nodesIn({ syntax }: Entry, outer: AnyNode): readonly AnyNode[] {
	return syntax.nodes.filter((each) => outer.start <= each.start && each.end <= outer.end);
}

/** Returns the settings of a class, or `undefined` if the code computes them. */
export function settingsOf({ syntax }: Entry, { node }: Extension): Options | undefined {
	const member = node.body.body.find((each) => fieldName(each) === 'settings');
	if (!member) return node.superClass?.type === 'Identifier' ? NONE : undefined;
	if (member.type !== 'PropertyDefinition' || !member.value) return undefined;
	const [value] = valuesOf(syntax, member.value);
	return value?.type === 'ObjectExpression' ? optionsOfObject(syntax, value) : undefined;
}

const NONE: Options = { fields: new Map(), isComplete: true };

/** Checks that the router and its class serve the same transports, tasks and eras. */
function* checkSettings(entry: Entry, extensions: readonly Extension[]): Generator<Problem> {
	const classes = extensions.filter(({ base }) => base === 'SessionObject');
	const routers = handlersOf(entry).filter(
		({ construction }) => construction.className === 'createSessionRouter',
	);
	const [only, another] = classes;
	const [router, otherRouter] = routers;
	if (!only || another || !router || otherRouter) return;
	const settings = settingsOf(entry, only);
	if (!settings?.isComplete || !router.options.isComplete) return;
	for (const option of SHARED) {
		const [atRouter, atClass] = [router.options.fields.get(option), settings.fields.get(option)];
		if (!atRouter === !atClass) continue;
		const present = atRouter ? 'createSessionRouter' : `settings of ${only.name}`;
		const missing = atRouter ? `settings of ${only.name}` : 'createSessionRouter';
		yield {
			rule: 'session-object',
			severity: 'error',
			...entry.placeAt(atRouter ?? atClass ?? only.node),
			message: `${option} is in ${present}, and not in ${missing}: the other half does not serve it`,
			fix: `set the same ${option} in ${missing}`,
		};
	}
}

/** Checks that the path of messages has the prefix of the path of streams, and that both halves agree. */
function* checkSsePaths(entry: Entry): Generator<Problem> {
	const created = entry.constructions.filter(({ className }) =>
		/^create(?:LegacySse|SseHandler)$/.test(className),
	);
	for (const construction of created) {
		const { fields, isComplete } = lastOptions(entry.syntax, construction);
		const path = fields.get('path');
		const text = path && literalText(valuesOf(entry.syntax, path)[0]);
		const prefix = text?.replace(/\/[^/]*\/?$/, '') ?? '';
		if (!isComplete || fields.has('endpoint') || prefix === '') continue;
		yield {
			rule: 'endpoint',
			severity: 'error',
			...construction.place,
			message: `${construction.className} has the path ${text} and no endpoint: clients send their messages to /messages, outside of ${prefix}`,
			fix: `set endpoint: '${prefix}/messages'`,
		};
	}
	yield* checkSamePaths(entry);
}

function* checkSamePaths(entry: Entry): Generator<Problem> {
	const router = handlersOf(entry).find(
		({ construction }) => construction.className === 'createSessionRouter',
	);
	const atRouter = constructionOf(entry, router?.options.fields.get('sse'));
	for (const extension of extensionsOf(entry)) {
		const atClass = constructionOf(entry, settingsOf(entry, extension)?.fields.get('sse'));
		if (!atRouter || !atClass || atRouter === atClass) continue;
		const [left, right] = [atRouter, atClass].map((each) => pathsOf(entry, each));
		if (left === undefined || right === undefined || left === right) continue;
		yield {
			rule: 'endpoint',
			severity: 'error',
			...atClass.place,
			message: `createLegacySse of ${extension.name} has other paths than that of createSessionRouter`,
			fix: 'create it once, and pass it to both',
		};
	}
}

/** Returns a text that is the same for the same paths, or `undefined` if the code computes one. */
function pathsOf(entry: Entry, construction: Construction): string | undefined {
	const { fields, isComplete } = lastOptions(entry.syntax, construction);
	const [path, endpoint] = ['path', 'endpoint'].map((name, index) =>
		fields.has(name)
			? literalText(valuesOf(entry.syntax, fields.get(name) ?? construction.node)[0])
			: ['/sse', '/messages'][index],
	);
	return isComplete && path !== undefined && endpoint !== undefined
		? `${path} ${endpoint}`
		: undefined;
}
