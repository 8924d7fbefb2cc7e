import { reasonOf } from '@tmcp-sessions/core/backend';
import type { JsonObject } from '@tmcp-sessions/http/internal';
import type { TaskRecord } from '@tmcp-sessions/tasks/backend';

import type { CallOutcome, CallStart, Execution } from './call-execution.ts';

/** A message from the object of a task to the object that runs its call. JSON. */
export type ExecutionMessage =
	| { readonly kind: 'cancel'; readonly name: string }
	| { readonly kind: 'deliver'; readonly record: TaskRecord }
	| { readonly kind: 'run'; readonly start: CallStart };

/** The object that runs a call: a `SessionObject`. */
interface RunningObject {
	extension(message: JsonObject): Promise<JsonObject>;
}

interface Namespace {
	idFromString(id: string): unknown;
	get(id: unknown): RunningObject;
}

/** Has the object of a session run the call of a task, beside the state of the session. */
export class ObjectExecution implements Execution {
	readonly #id: string;
	readonly #name: string;
	readonly #bindings: readonly (object | undefined)[];
	#isRunning = false;

	/**
	 * @param id of the object that runs the call.
	 * @param name of the task.
	 * @param bindings `ctx.exports` and `env`, which have the namespace of the object.
	 */
	constructor(id: string, name: string, bindings: readonly (object | undefined)[]) {
		this.#id = id;
		this.#name = name;
		this.#bindings = bindings;
	}

	get isRunning(): boolean {
		return this.#isRunning;
	}

	async run(start: CallStart): Promise<CallOutcome> {
		this.#isRunning = true;
		try {
			const outcome = await this.#send({ kind: 'run', start });
			// Safe because `receiveExecution` of the same package returns it.
			const { kind } = outcome as unknown as CallOutcome;
			this.#isRunning = kind !== 'ended';
			return outcome as unknown as CallOutcome;
		} catch (error) {
			this.#isRunning = false;
			throw error;
		}
	}

	async deliver(record: TaskRecord): Promise<void> {
		await this.#send({ kind: 'deliver', record });
	}

	async cancel(): Promise<void> {
		this.#isRunning = false;
		await this.#send({ kind: 'cancel', name: this.#name });
	}

	#send(message: ExecutionMessage): Promise<JsonObject> {
		return this.#stub().extension({ ...message });
	}

	/** Only the namespace of the object accepts its id. */
	#stub(): RunningObject {
		let reason: unknown;
		const all = this.#bindings.flatMap((bindings): unknown[] => Object.values(bindings ?? {}));
		for (const binding of all) {
			if (!isNamespace(binding)) continue;
			try {
				return binding.get(binding.idFromString(this.#id));
			} catch (error) {
				reason = error;
			}
		}
		throw new Error(
			'the call of this task runs in the object of a session, and no binding of the script that exports ' +
				`TaskObject has its namespace; bind the class of session objects there (${reasonOf(reason)})`,
		);
	}
}

function isNamespace(binding: unknown): binding is Namespace {
	const isBinding = (typeof binding === 'object' || typeof binding === 'function') && binding;
	return Boolean(isBinding && 'idFromString' in binding && !('fetch' in binding));
}
