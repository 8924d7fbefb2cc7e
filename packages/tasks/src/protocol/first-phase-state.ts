import { createSealing } from '@tmcp-sessions/core/internal';
import { isObject } from '@tmcp-sessions/http/internal';
import type { JsonObject } from '@tmcp-sessions/http/internal';

import type { TaskInput } from '../task/task-record.ts';

/** Seals what a client carries between the rounds of a call that asks before its task begins. */
export class FirstPhaseState {
	readonly #secrets: (to: 'open' | 'seal') => readonly string[];

	constructor(secrets: (to: 'open' | 'seal') => readonly string[]) {
		this.#secrets = secrets;
	}

	/** @param boundTo identifies the call and its principal. */
	seal(inputs: readonly TaskInput[], boundTo: string): Promise<string> {
		return this.#sealing('seal').seal(JSON.stringify(inputs), boundTo);
	}

	/** Returns the inputs with the responses of a client; `undefined` if the state is invalid. */
	async open(
		state: string,
		responses: JsonObject,
		boundTo: string,
	): Promise<readonly TaskInput[] | undefined> {
		const opened = await this.#sealing('open').open(state, boundTo);
		if (!opened) return undefined;
		// Safe because it was sealed here.
		const inputs = JSON.parse(opened.text) as TaskInput[];
		return inputs.map((input) => {
			const response = Object.hasOwn(responses, input.key) ? responses[input.key] : undefined;
			return !input.response && isObject(response) ? { ...input, response } : input;
		});
	}

	#sealing(to: 'open' | 'seal'): ReturnType<typeof createSealing> {
		return createSealing(this.#secrets(to), 'tmcp-sessions task input');
	}
}
