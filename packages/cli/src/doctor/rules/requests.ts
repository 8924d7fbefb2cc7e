import type { AnyNode } from 'acorn';

import { constructionOf, handlersOf } from '../handler-options.ts';
import type { Handler } from '../handler-options.ts';
import { managerOf } from '../manager-classes.ts';
import { findRequestCode } from '../calls-per-request.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import type { Entry } from '../read-entry.ts';
import { fieldName, importedBy, isFunction, methodOf } from '../syntax.ts';
import { functionAround, resultsOf, valuesOf } from '../values.ts';
import { readsBody } from './callers.ts';

const OFFICIAL = /^@modelcontextprotocol\//;
const REGISTERS = new Set([
	'prompt',
	'registerPrompt',
	'registerResource',
	'registerTool',
	'resource',
	'template',
	'tool',
]);

/** Checks what handlers get: the server, and requests with all that they need. */
export function* checkRequests({ entry }: Project): Generator<Problem> {
	for (const handler of handlersOf(entry)) {
		yield* checkServer(entry, handler);
		yield* checkRoles(entry, handler);
		for (const call of fetchCalls(entry, handler)) yield* checkCall(entry, call);
	}
	yield* checkLateTools(entry);
	yield* checkReturned(entry);
}

type FetchCall = Extract<AnyNode, { type: 'CallExpression' }>;

/** Returns the calls of the method `fetch` of a handler. */
function fetchCalls({ syntax }: Entry, { construction }: Handler): readonly FetchCall[] {
	return syntax.nodes.filter(
		(node): node is FetchCall =>
			node.type === 'CallExpression' &&
			methodOf(node) === 'fetch' &&
			node.callee.type === 'MemberExpression' &&
			valuesOf(syntax, node.callee.object).includes(construction.node),
	);
}

function* checkCall(entry: Entry, call: FetchCall): Generator<Problem> {
	const { nodes, parents } = entry.syntax;
	const problem = { rule: 'entry', severity: 'error', ...entry.placeAt(call) } as const;
	const [request] = call.arguments;
	const isHono =
		request?.type === 'MemberExpression' &&
		request.property.type === 'Identifier' &&
		request.property.name === 'req';
	if (isHono) {
		const shown = entry.code.slice(request.start, request.end);
		yield {
			...problem,
			message: `fetch needs a Request; got ${shown}, the request of the router`,
			fix: `write ${shown}.raw`,
		};
	}
	const statement = parents.get(call);
	const awaited = statement?.type === 'AwaitExpression' ? parents.get(statement) : statement;
	if (awaited?.type === 'ExpressionStatement') {
		yield {
			...problem,
			message: 'the response of the handler is not returned: clients get none, or an error',
			fix: 'write return handler.fetch(request, env, context)',
		};
	}
	const fn = functionAround(parents, call);
	if (!fn || request?.type !== 'Identifier') return;
	const read = nodes.find(
		(node) =>
			fn.start <= node.start &&
			node.end <= call.start &&
			readsBody(node, request.name) &&
			functionAround(parents, node) === fn &&
			!leavesBefore(entry, node, call),
	);
	if (!read) return;
	yield {
		...problem,
		...entry.placeAt(read),
		message: `the body of ${request.name} is read before the handler gets it, which then cannot read it`,
		fix: `read that of a copy: ${request.name}.clone()`,
	};
}

/** Whether a node is in a branch that returns before a call, or in one that excludes the call. */
function leavesBefore({ syntax }: Entry, node: AnyNode, call: AnyNode): boolean {
	for (let at: AnyNode | undefined = node; at; at = syntax.parents.get(at)) {
		const parent = syntax.parents.get(at);
		if (parent?.type !== 'IfStatement' || at === parent.test) continue;
		if (at.start <= call.start && call.end <= at.end) return false;
		const last = at.type === 'BlockStatement' ? at.body.at(-1) : at;
		if (parent.alternate && parent.start <= call.start && call.end <= parent.end) return true;
		if (last?.type === 'ReturnStatement' || last?.type === 'ThrowStatement') return true;
	}
	return false;
}

/** Checks that a handler gets a server of its library. */
function* checkServer(entry: Entry, { construction, server }: Handler): Generator<Problem> {
	const { className, place } = construction;
	if (!server) return;
	const { syntax } = entry;
	const values = valuesOf(syntax, server);
	const problem = { rule: 'server', severity: 'error', ...place } as const;
	const created = values.find((each) => each.type === 'NewExpression');
	const library = created?.type === 'NewExpression' && importedBy(syntax, created.callee);
	const isOfficial = library && OFFICIAL.test(library.packageName);
	const factory = values.find(isFunction);
	if (className === 'createSdkHandler' && created) {
		yield {
			...problem,
			message: `createSdkHandler needs a function that creates a server; got ${isOfficial ? 'a server' : 'a server of tmcp'}`,
			fix: isOfficial
				? 'write createSdkHandler(() => createServer(), …), which creates one for each message'
				: "use createMcpHandler of '@tmcp-sessions/http'",
		};
	} else if (className !== 'createSdkHandler' && isOfficial) {
		yield {
			...problem,
			message: `${className} needs a server of tmcp; got one of the official SDK`,
			fix: "use createSdkHandler of '@tmcp-sessions/sdk', with a function that creates the server",
		};
	} else if (className !== 'createSdkHandler' && factory) {
		yield {
			...problem,
			message: `${className} needs a server; got a function`,
			fix: 'call the function: the server is created once',
		};
	}
	if (className === 'createSdkHandler' && factory) yield* checkFactory(entry, factory);
}

/** Checks that a factory creates a server for each message. */
function* checkFactory(entry: Entry, factory: AnyNode): Generator<Problem> {
	const { syntax } = entry;
	for (const result of resultsOf(syntax, factory)) {
		if (result.type !== 'Identifier') continue;
		const [value] = valuesOf(syntax, result);
		if (value?.type !== 'NewExpression' || functionAround(syntax.parents, value)) continue;
		yield {
			rule: 'server',
			severity: 'error',
			...entry.placeAt(result),
			message: `the factory of createSdkHandler returns ${result.name}, which is created once: it must be a new server for each message`,
			fix: 'create the McpServer and its tools inside of the factory',
		};
	}
}

const ROLES: Readonly<Record<string, string>> = {
	info: 'info',
	streams: 'streams',
	subscriptions: 'subscriptions',
	tasks: 'tasks',
};

/** Checks that each manager is given for its own option. */
function* checkRoles(entry: Entry, { construction, options }: Handler): Generator<Problem> {
	for (const [option, role] of Object.entries(ROLES)) {
		const manager = constructionOf(entry, options.fields.get(option));
		const found = manager && managerOf(manager)?.role;
		if (!manager || found === undefined) continue;
		const isStore = manager.className.endsWith('Store');
		if (found === role && !isStore) continue;
		yield {
			rule: 'managers',
			severity: 'error',
			...manager.place,
			message: `the option ${option} of ${construction.className} gets ${manager.className}, which is ${isStore ? 'a store' : `for ${found}`}`,
			fix: isStore
				? `pass the manager of its package, or new StoredInfoSessionManager(new ${manager.className}(…))`
				: `set ${found} to it`,
		};
	}
	const stateless = constructionOf(entry, options.fields.get('stateless'));
	const inner = handlersOf(entry).find((each) => each.construction === stateless);
	if (!stateless || !inner?.options.fields.has('info')) return;
	yield {
		rule: 'session-object',
		severity: 'error',
		...stateless.place,
		message: 'the handler in stateless has info: its sessions are unknown to the objects',
		fix: 'leave info and streams out there',
	};
}

/** Checks that tools are registered before the first request: later, each is a change for every session. */
function* checkLateTools(entry: Entry): Generator<Problem> {
	const { syntax } = entry;
	const isInRequest = findRequestCode(syntax);
	for (const node of syntax.nodes) {
		if (node.type !== 'CallExpression' || !REGISTERS.has(methodOf(node) ?? '')) continue;
		if (node.callee.type !== 'MemberExpression' || !isInRequest(node)) continue;
		const [value] = valuesOf(syntax, node.callee.object);
		const isShared = value?.type === 'NewExpression' && !isInRequest(value);
		if (!isShared || importedBy(syntax, value.callee)?.name !== 'McpServer') continue;
		yield {
			rule: 'server',
			severity: 'error',
			...entry.placeAt(node),
			message: `${methodOf(node)} is called in each request: it changes the server of all clients, and sends each of them a change of the list`,
			fix: 'register at the top level of the file, before the handler is created',
		};
	}
}

/** Checks that `fetch` returns the response of a handler, and not the handler itself. */
function* checkReturned(entry: Entry): Generator<Problem> {
	const { syntax } = entry;
	const handlers = handlersOf(entry).map(({ construction }) => construction.node);
	for (const node of syntax.nodes) {
		if (fieldName(node) !== 'fetch' || !('value' in node) || typeof node.value !== 'object')
			continue;
		// Safe because the value of a field or a method is a node.
		const fn = node.value as AnyNode | null;
		if (!fn || !isFunction(fn)) continue;
		if (isDefaultFetch(entry, node) && returnsNothing(entry, fn)) {
			yield {
				rule: 'entry',
				severity: 'error',
				...entry.placeAt(node),
				message: 'fetch of the default export returns nothing: clients get an error',
				fix: 'write return handler.fetch(request, env, context)',
			};
		}
		for (const result of resultsOf(syntax, fn)) {
			const isHandler = valuesOf(syntax, result).some((each) =>
				handlers.some((one) => one === each),
			);
			if (!isHandler) continue;
			yield {
				rule: 'entry',
				severity: 'error',
				...entry.placeAt(result),
				message: 'fetch returns the handler, and not its response',
				fix: 'write return handler.fetch(request, env, context)',
			};
		}
	}
}

function isDefaultFetch({ syntax }: Entry, field: AnyNode): boolean {
	const exported = syntax.exports.get('default');
	const declared = typeof exported === 'string' ? syntax.declarations.get(exported) : undefined;
	return declared !== undefined && syntax.parents.get(field) === declared;
}

/** Whether a function has statements, none of which returns or throws. */
function returnsNothing({ syntax }: Entry, fn: AnyNode): boolean {
	if (resultsOf(syntax, fn).length > 0) return false;
	return !syntax.nodes.some(
		(node) => node.type === 'ThrowStatement' && functionAround(syntax.parents, node) === fn,
	);
}
