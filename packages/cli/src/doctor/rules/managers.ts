import { createsHandler, managerOf } from '../manager-classes.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import { placeOf } from '../read-entry.ts';
import type { Entry } from '../read-entry.ts';

/** Matches what sends messages outside of a response; a server of the official SDK announces changes of its tools. */
const SENDS_MESSAGES =
	/\b(?:listChanged|subscribe): true|\blogging: \{|\.(?:changed|elicitation|elicitInput)\(|\bcreateSdkHandler\(/;

/** Checks that the managers of a handler go together. */
export function* checkManagers({ entry }: Project): Generator<Problem> {
	const roles = new Set(entry.constructions.map((each) => managerOf(each)?.role));
	const problem = (severity: Problem['severity'], message: string, fix: string): Problem => ({
		rule: 'managers',
		severity,
		...placeOf(/\bcreate(?:Mcp|Sdk)Handler\s*\(/, entry.sources),
		message,
		fix,
	});
	for (const construction of entry.constructions) {
		if (managerOf(construction)?.isInMemory !== true) continue;
		const { className, place } = construction;
		yield {
			...problem(
				'warning',
				`${className} holds streams in the memory of one isolate: messages of others do not reach them`,
				`use its counterpart of '@tmcp-sessions/streams-durable-object'`,
			),
			...place,
		};
	}
	yield* checkForeignHandler(entry);
	if (!entry.constructions.some(createsHandler)) return;
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

/** Checks that managers of this family are not passed to the handler of another package. */
function* checkForeignHandler(entry: Entry): Generator<Problem> {
	const hasManagers = entry.constructions.some((each) => managerOf(each)?.role === 'info');
	if (!hasManagers || entry.constructions.some(createsHandler)) return;
	for (const { className, packageName, place } of entry.constructions) {
		if (className !== 'createMcpHandler') continue;
		yield {
			rule: 'managers',
			severity: 'error',
			...place,
			message: `createMcpHandler is that of ${packageName}, which knows no session managers`,
			fix:
				"import createMcpHandler from '@tmcp-sessions/http' for a server of tmcp, or createSdkHandler from " +
				"'@tmcp-sessions/sdk' for one of the official SDK",
		};
	}
}
