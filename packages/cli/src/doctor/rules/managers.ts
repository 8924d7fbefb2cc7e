import { MANAGER_CLASSES } from '../manager-classes.ts';
import type { ManagerRole } from '../manager-classes.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import { placeOf } from '../read-entry.ts';

/** Matches what sends messages outside of a response; a server of the official SDK announces changes of its tools. */
const SENDS_MESSAGES =
	/\b(?:listChanged|subscribe): true|\blogging: \{|\.(?:changed|elicitation|elicitInput)\(|\bcreateSdkHandler\(/;

/** Checks that the managers of a handler go together. */
export function* checkManagers({ entry }: Project): Generator<Problem> {
	const roles = new Set<ManagerRole | undefined>(
		entry.constructions.map(({ className }) => MANAGER_CLASSES[className]?.role),
	);
	const problem = (severity: Problem['severity'], message: string, fix: string): Problem => ({
		rule: 'managers',
		severity,
		...placeOf(/\bcreate(?:Mcp|Sdk)Handler\s*\(/, entry.sources),
		message,
		fix,
	});
	for (const { className, place } of entry.constructions) {
		if (MANAGER_CLASSES[className]?.isInMemory !== true) continue;
		yield {
			...problem(
				'warning',
				`${className} holds streams in the memory of one isolate: messages of others do not reach them`,
				`use its counterpart of '@tmcp-sessions/streams-durable-object'`,
			),
			...place,
		};
	}
	if (!/\bcreate(?:Mcp|Sdk)Handler\w*\(/.test(entry.code)) return;
	if (roles.has('info') && !roles.has('streams') && SENDS_MESSAGES.test(entry.code)) {
		yield problem(
			'warning',
			'the handler has info and no streams: messages reach only the streams of one isolate',
			"set streams to new DurableObjectStreamSessionManager() of '@tmcp-sessions/streams-durable-object'",
		);
	}
	if (roles.has('streams') && !roles.has('info')) {
		yield problem(
			'error',
			'the handler has streams and no info: without session metadata there are no sessions',
			"set info to a manager such as new KVInfoSessionManager() of '@tmcp-sessions/info-kv', or leave streams out",
		);
	}
	if (roles.has('streams') && !roles.has('subscriptions')) {
		yield problem(
			'warning',
			'the handler has streams and no subscriptions: changes reach stateless clients of one isolate only',
			"set subscriptions to new DurableObjectSubscriptionManager() of '@tmcp-sessions/streams-durable-object'",
		);
	}
}

/** Checks that the entry has a default export, which is the handler of the Worker. */
export function* checkDefaultExport({ entry }: Project): Generator<Problem> {
	if (entry.exportNames.includes('default')) return;
	yield {
		rule: 'entry',
		severity: 'error',
		file: entry.file,
		line: 1,
		message: `${entry.file} has no default export: the Worker answers no request`,
		fix: 'add export default createMcpHandler(server, { … })',
	};
}
