import type { AnyNode } from 'acorn';

import { findRequestCode } from '../calls-per-request.ts';
import { createsHandler, managerOf } from '../manager-classes.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import { placeOf } from '../read-entry.ts';
import type { Entry } from '../read-entry.ts';
import { fieldsOf, hasSpread, importedBy, isFunction, resolved } from '../syntax.ts';

/** Checks that no handler is created in each request. */
export function* checkHandlerLifetime({ entry }: Project): Generator<Problem> {
	const isInRequest = findRequestCode(entry.syntax);
	const roles = new Set(entry.constructions.map((each) => managerOf(each)?.role));
	const hasTasks = roles.has('tasks');
	for (const construction of entry.constructions) {
		if (!createsHandler(construction) || !isInRequest(construction.node)) continue;
		const { className, place } = construction;
		const isLossy = className !== 'createSessionRouter';
		yield {
			rule: 'handlers',
			severity: isLossy ? 'error' : 'warning',
			...place,
			message:
				`${className} is called in each request: ` +
				(hasTasks
					? 'running tasks do not find their handler'
					: isLossy
						? roles.has('streams')
							? 'its subscriptions, calls in flight and caches are lost to the next request'
							: 'what it keeps in memory, such as open streams, is lost to the next request'
						: 'what it prepares once, such as keys and caches, is prepared each time'),
			fix:
				`call it at the top level of the file: const handler = ${className}(…), and return ` +
				'handler.fetch(request, env, context) in fetch',
		};
	}
}

/** Checks that the default export is an object with the handlers of a Worker. */
export function* checkDefaultExport({ entry }: Project): Generator<Problem> {
	const problem = (message: string, fix: string, pattern: RegExp): Problem => ({
		rule: 'entry',
		severity: 'error',
		...(pattern.test(entry.sources.get(entry.file) ?? '')
			? placeOf(pattern, new Map([[entry.file, entry.sources.get(entry.file) ?? '']]))
			: { file: entry.file, line: 1 }),
		message,
		fix,
	});
	if (!entry.exportNames.includes('default')) {
		yield withoutDefault(entry, problem);
		return;
	}
	const found = wrongDefault(entry);
	if (found) yield problem(...found, /\bexport default\b|\bas default\b/);
}

function withoutDefault(
	{ code, file }: Entry,
	problem: (message: string, fix: string, pattern: RegExp) => Problem,
): Problem {
	const message = `${file} has no default export: the Worker answers no request`;
	const isCommonJs = /\bmodule\.exports\b/;
	if (isCommonJs.test(code)) {
		const fix = 'Workers are ES modules: write export default in place of module.exports =';
		return problem(`${message}; found module.exports`, fix, isCommonJs);
	}
	const isListener = /\baddEventListener\(\s*["']fetch["']/;
	if (isListener.test(code)) {
		const fix = 'write export default createMcpHandler(server, { … }) in place of the listener';
		return problem(
			`${message}; found a listener of "fetch", with which there are no Durable Objects`,
			fix,
			isListener,
		);
	}
	return problem(message, 'add export default createMcpHandler(server, { … })', /^/);
}

const HANDLER_NAMES = /^(?:fetch|scheduled|queue|email|tail|tailStream|trace|test|connect)$/;

/** Returns what is wrong with the default export, and the fix. */
function wrongDefault(entry: Entry): [message: string, fix: string] | undefined {
	const { exports, syntax } = { exports: entry.syntax.exports, syntax: entry.syntax };
	const exported = exports.get('default');
	if (typeof exported === 'object') {
		return /^create\w*(?:Handler|Router)$/.test(exported.name)
			? [
					`the default export is the function ${exported.name}, which is not called`,
					`write export default ${exported.name}(…)`,
				]
			: undefined;
	}
	const value = exported === undefined ? undefined : syntax.declarations.get(exported);
	if (!value) return undefined;
	const found = resolved(syntax, value);
	const imported = importedBy(syntax, found);
	if (imported && /^create\w*(?:Handler|Router)$/.test(imported.name)) {
		return [
			`the default export is the function ${imported.name}, which is not called`,
			`write export default ${imported.name}(…)`,
		];
	}
	if (isFunction(found)) {
		return [
			'the default export is a function: Workers call the fetch method of an object',
			'write export default { fetch(request, env, context) { … } }, or export the handler itself',
		];
	}
	if (isFetchOfHandler(entry, found)) {
		return [
			'the default export is the method fetch',
			'write export default handler, without .fetch',
		];
	}
	return found.type === 'ObjectExpression' ? wrongObject(entry, found) : undefined;
}

function wrongObject(
	entry: Entry,
	object: Extract<AnyNode, { type: 'ObjectExpression' }>,
): [message: string, fix: string] | undefined {
	const fields = fieldsOf(object);
	if (!hasSpread(object) && ![...fields.keys()].some((name) => HANDLER_NAMES.test(name))) {
		return [
			`the default export has no fetch; found ${[...fields.keys()].join(', ') || 'no fields'}`,
			'write export default handler, or { fetch: handler.fetch }',
		];
	}
	const fetch = fields.get('fetch');
	return fetch && isHandler(entry, resolved(entry.syntax, fetch))
		? ['fetch of the default export is a handler, not a function', 'write fetch: handler.fetch']
		: undefined;
}

/** Whether an expression creates a handler. */
function isHandler({ constructions }: Entry, node: AnyNode): boolean {
	return constructions.some((each) => each.node === node && createsHandler(each));
}

function isFetchOfHandler(entry: Entry, node: AnyNode): boolean {
	return (
		node.type === 'MemberExpression' &&
		node.property.type === 'Identifier' &&
		node.property.name === 'fetch' &&
		isHandler(entry, resolved(entry.syntax, node.object))
	);
}
