import { isObject } from '@tmcp-sessions/http/internal';
import type { JsonObject } from '@tmcp-sessions/http/internal';

import type { CallExecutionDeps, CallOutcome } from './call-execution.ts';
import { CallExecution } from './call-execution.ts';
import type { ExecutionMessage } from './object-execution.ts';

/** Runs the calls of tasks in the object of a session, on behalf of the objects of the tasks. */
export class Executions {
	readonly #deps: CallExecutionDeps;
	readonly #executions = new Map<string, CallExecution>();

	constructor(deps: CallExecutionDeps) {
		this.#deps = deps;
	}

	/** Answers a message of `ObjectExecution`. */
	async receive(received: JsonObject): Promise<JsonObject> {
		// Safe because only `ObjectExecution` of the same package sends it.
		const message = received as unknown as ExecutionMessage;
		switch (message.kind) {
			case 'run': {
				const { record } = message.start;
				const execution = this.#executions.get(record.name) ?? new CallExecution(this.#deps);
				this.#executions.set(record.name, execution);
				let outcome: CallOutcome = { kind: 'ended' };
				try {
					outcome = await execution.run(message.start);
				} finally {
					if (outcome.kind === 'ended') this.#executions.delete(record.name);
				}
				return { ...outcome };
			}
			case 'deliver':
				await this.#executions.get(message.record.name)?.deliver(message.record);
				return {};
			case 'cancel':
				await this.#executions.get(message.name)?.cancel();
				this.#executions.delete(message.name);
				return {};
			default:
				throw new Error(`a task sent an unknown message: ${kindOf(received)}`);
		}
	}
}

function kindOf(message: unknown): string {
	return isObject(message) ? String(message['kind']) : typeof message;
}
