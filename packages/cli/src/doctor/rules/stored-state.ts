import type { AnyNode } from 'acorn';

import { constructionOf, handlersOf, lastOptions } from '../handler-options.ts';
import type { Handler } from '../handler-options.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import type { Construction, Entry } from '../read-entry.ts';
import { fieldName, fieldsOf, methodOf } from '../syntax.ts';
import { valuesOf } from '../values.ts';

/** By class, what an isolate alone knows of what it holds, and what replaces it. */
const IN_MEMORY: Readonly<Record<string, readonly [loss: string, fix: string]>> = {
	InMemoryTasks: [
		'runs tasks in the memory of one isolate, which may end 30 seconds after the response: other isolates do not know them',
		"use DurableObjectTasks of '@tmcp-sessions/tasks-durable-object'",
	],
	InMemorySessionStore: [
		'stores sessions in the memory of one isolate: the next request of a session may get a 404',
		"use KVInfoSessionManager of '@tmcp-sessions/info-kv', or DurableObjectInfoSessionManager",
	],
	InMemoryInfoSessionManager: [
		'stores sessions in the memory of one isolate: the next request of a session may get a 404',
		"use KVInfoSessionManager of '@tmcp-sessions/info-kv', or DurableObjectInfoSessionManager",
	],
};
/** What does not run on Workers, and what does. */
const OTHER_RUNTIMES: Readonly<Record<string, string>> = {
	connectRedis:
		"use connectUpstash of '@tmcp-sessions/redis' and '@tmcp-sessions/info-upstash', or the managers over Durable Objects",
	DenoKvInfoSessionManager: "use KVInfoSessionManager of '@tmcp-sessions/info-kv'",
	RedisTasks: "use DurableObjectTasks of '@tmcp-sessions/tasks-durable-object'",
};
/** Matches a capability that needs stored state. */
const STORES_STATE = /\bsubscribe: true|\blogging: \{/;

/** Checks that what a server stores is where every isolate finds it. */
export function* checkStoredState({ entry }: Project): Generator<Problem> {
	yield* checkMemory(entry);
	for (const handler of handlersOf(entry)) {
		yield* checkSealed(entry, handler);
		yield* checkTaskContext(entry, handler);
	}
	yield* checkStates(entry);
	yield* checkSingleUse(entry);
}

function* checkMemory({ constructions }: Entry): Generator<Problem> {
	for (const { className, packageName, place } of constructions) {
		if (!/^@tmcp(?:-sessions)?\//.test(packageName)) continue;
		const [loss, fix] = IN_MEMORY[className] ?? [];
		const other = OTHER_RUNTIMES[className];
		const base = { rule: 'managers', severity: 'error', ...place } as const;
		if (loss !== undefined && fix !== undefined) {
			yield { ...base, message: `${className} ${loss}`, fix };
		} else if (other !== undefined) {
			yield { ...base, message: `${className} does not run in a Worker`, fix: other };
		}
	}
}

/** Returns the sealed manager of an option, if it has no `rest`. */
function sealedWithoutRest(entry: Entry, value: AnyNode | undefined): Construction | undefined {
	const found = constructionOf(entry, value);
	if (found?.className !== 'SealedInfoSessionManager') return undefined;
	const { fields, isComplete } = lastOptions(entry.syntax, found);
	return isComplete && !fields.has('rest') ? found : undefined;
}

function* checkSealed(entry: Entry, { options }: Handler): Generator<Problem> {
	const sealed = sealedWithoutRest(entry, options.fields.get('info'));
	if (!sealed || !STORES_STATE.test(entry.code)) return;
	yield {
		rule: 'managers',
		severity: 'warning',
		...sealed.place,
		message:
			'SealedInfoSessionManager has no rest, and the server declares logging or subscriptions: they are ' +
			'not advertised, and rejected with -32601',
		fix: 'set rest to a manager that stores what changes, such as new DurableObjectInfoSessionManager()',
	};
}

/** Checks that tasks can rebuild the context of their handler. */
function* checkTaskContext(entry: Entry, { construction, options }: Handler): Generator<Problem> {
	const tasks = constructionOf(entry, options.fields.get('tasks'));
	if (!options.fields.has('context') || !tasks) return;
	const { fields, isComplete } = lastOptions(entry.syntax, tasks);
	if (!isComplete || fields.has('context')) return;
	yield {
		rule: 'tasks',
		severity: 'error',
		...tasks.place,
		message: `${construction.className} has the option context, and ${tasks.className} has none: a task runs without a request`,
		fix: 'set saveContext and context of the tasks: context rebuilds what saveContext has returned',
	};
}

/** A call of `sessionState`. */
interface State {
	readonly construction: Construction;
	readonly info: Construction | undefined;
	readonly keys: readonly string[];
}

function statesOf(entry: Entry): readonly State[] {
	return entry.constructions
		.filter(({ className }) => className === 'sessionState')
		.map((construction) => {
			const [info] = construction.node.arguments;
			const [, schemas] = construction.args;
			const isObject = schemas?.type === 'ObjectExpression';
			return {
				construction,
				info: constructionOf(entry, info),
				keys: isObject ? [...fieldsOf(schemas).keys()] : [],
			};
		});
}

function* checkStates(entry: Entry): Generator<Problem> {
	const states = statesOf(entry);
	for (const [index, { construction, info, keys }] of states.entries()) {
		const problem = { rule: 'state', severity: 'error', ...construction.place } as const;
		if (sealedWithoutRest(entry, construction.node.arguments[0])) {
			yield {
				...problem,
				message: 'sessionState gets a SealedInfoSessionManager without rest, which stores no state',
				fix: 'set rest of the manager, such as to new DurableObjectInfoSessionManager()',
			};
		}
		const other = states
			.slice(0, index)
			.find((each) => each.info === info && info && each.keys.some((key) => keys.includes(key)));
		const key = other?.keys.find((each) => keys.includes(each));
		if (!other || key === undefined) continue;
		yield {
			...problem,
			message: `two states over one info manager have the key ${key} (also ${other.construction.place.file}:${other.construction.place.line}): each overwrites the value of the other`,
			fix: `give one of them another key, or share one sessionState`,
		};
	}
}

/** Returns the store whose last write wins, under a manager or a store. */
function eventualStore(entry: Entry, construction: Construction | undefined): string | undefined {
	if (!construction) return undefined;
	const { className } = construction;
	if (className === 'KVInfoSessionManager' || className === 'KVSessionStore') return className;
	const { fields } = lastOptions(entry.syntax, construction);
	const inner =
		className === 'SealedInfoSessionManager'
			? fields.get('rest')
			: className === 'StoredInfoSessionManager'
				? construction.node.arguments[0]
				: undefined;
	return inner && eventualStore(entry, constructionOf(entry, inner));
}

/** Checks that what is valid once is claimed in a store that is atomic. */
function* checkSingleUse(entry: Entry): Generator<Problem> {
	const { nodes, parents, syntax } = { ...entry.syntax, syntax: entry.syntax };
	for (const node of nodes) {
		if (node.type !== 'Property' || fieldName(node) !== 'singleUse') continue;
		const store = eventualStore(entry, constructionOf(entry, node.value));
		const isTrue = valuesOf(syntax, node.value).some(
			(each) => each.type === 'Literal' && each.value === true,
		);
		const state = isTrue ? stateAround(entry, parents.get(node)) : undefined;
		const found = store ?? eventualStore(entry, state?.info);
		if (found === undefined) continue;
		yield {
			rule: 'state',
			severity: 'error',
			...entry.placeAt(node),
			message: `singleUse needs a store that is atomic; got ${found}, whose last write wins: one value could be used twice`,
			fix: 'use DurableObjectInfoSessionManager or DurableObjectSessionStore, or a Redis',
		};
	}
}

/** Returns the state whose method gets an object. */
function stateAround(entry: Entry, object: AnyNode | undefined): State | undefined {
	const { parents } = entry.syntax;
	let call = object;
	while (call && methodOf(call) === undefined) call = parents.get(call);
	if (call?.type !== 'CallExpression' || call.callee.type !== 'MemberExpression') return undefined;
	const values = valuesOf(entry.syntax, call.callee.object);
	return statesOf(entry).find(({ construction }) => values.includes(construction.node));
}
