import type { StandardSchemaV1 } from '@standard-schema/spec';
import { idOf, methodOf, paramsOf } from '@tmcp-sessions/http/internal';
import type { BackgroundCall, ExtensionHost, JsonObject } from '@tmcp-sessions/http/internal';

import { taskError } from '../task-error.ts';
import type { TaskInput } from '../task/task-record.ts';
import { runInTask } from './current-task.ts';
import type { Answer, CurrentTask } from './current-task.ts';

const NOT_SENT = { code: -32001, message: 'The call starts again when the client has responded' };

/** How a call goes on that asks before its task begins. */
export type FirstPhaseOutcome =
	/** The tool has called `begin`. */
	| { readonly kind: 'begun'; readonly inputs: readonly TaskInput[] }
	/** The tool waits for the client. */
	| { readonly kind: 'input'; readonly inputs: readonly TaskInput[] }
	/** The tool has returned without a task. */
	| { readonly kind: 'response'; readonly response: JsonObject };

/**
 * Runs a call up to where its task begins. Server requests that `inputs` answers are answered; at the
 * first others, the call is given up and starts again with the responses of the client.
 */
export async function runFirstPhase(
	host: ExtensionHost,
	call: Omit<BackgroundCall, 'onFrame' | 'signal'>,
	inputs: readonly TaskInput[],
): Promise<FirstPhaseOutcome> {
	const abort = new AbortController();
	const outcome = Promise.withResolvers<FirstPhaseOutcome>();
	const asked: TaskInput[] = [];
	const open: (string | number)[] = [];
	const respond = (id: string | number, answer: { result: unknown } | { error: object }): void => {
		host.respond({ jsonrpc: '2.0', id, ...answer }).catch((error: unknown) => host.report(error));
	};
	const onFrame = (frame: JsonObject): void => {
		const id = idOf(frame);
		if (id === undefined) return;
		const known = inputs[asked.length];
		const request = { method: methodOf(frame) ?? '', params: paramsOf(frame) };
		const isKnown = JSON.stringify(known?.request) === JSON.stringify(request);
		const input = known && isKnown ? known : { key: `input-${asked.length + 1}`, request };
		asked.push(input);
		if (input.response) return respond(id, { result: input.response });
		open.push(id);
		// Tools may ask several questions at once.
		setTimeout(() => outcome.resolve({ kind: 'input', inputs: asked }), 0);
	};
	const task = new PreliminaryTask(host, abort.signal, () => {
		outcome.resolve({ kind: 'begun', inputs: asked });
	});
	const running = runInTask(task, () =>
		host.runInBackground({ ...call, signal: abort.signal, onFrame }),
	);
	const responded = running.then((response): FirstPhaseOutcome => ({ kind: 'response', response }));
	const settled = await Promise.race([outcome.promise, responded]);
	if (settled.kind !== 'response') {
		abort.abort(NOT_SENT.message);
		for (const id of open) respond(id, { error: NOT_SENT });
	}
	return settled;
}

/** Stands for the task before it begins. */
class PreliminaryTask implements CurrentTask {
	readonly attempt = 1;
	readonly signal: AbortSignal;
	readonly #host: Pick<ExtensionHost, 'elicit'>;
	readonly #onBegin: () => void;

	constructor(host: Pick<ExtensionHost, 'elicit'>, signal: AbortSignal, onBegin: () => void) {
		this.signal = signal;
		this.#host = host;
		this.#onBegin = onBegin;
	}

	begin(): never {
		this.#onBegin();
		throw taskError(
			'the call starts again as a task; a catch block of the tool must rethrow this error of begin()',
		);
	}

	status(): void {}

	step(name: string): never {
		throw taskError(
			`the step ${JSON.stringify(name)} comes before begin(), where nothing is stored; call begin() first`,
		);
	}

	async ask<Schema extends StandardSchemaV1>(
		message: string,
		schema: Schema,
	): Promise<Answer<StandardSchemaV1.InferOutput<Schema>>> {
		// Safe because the server has validated the response with the schema.
		return (await this.#host.elicit(message, schema)) as Answer<
			StandardSchemaV1.InferOutput<Schema>
		>;
	}

	sleep(): never {
		throw taskError('sleep comes before begin(), where the client waits; call begin() first');
	}
}
