import { confirm, isCancel, select } from '@clack/prompts';

import { InterruptedError } from '../command/cli-error.ts';

/** Asks for one of several values. */
export async function askFor<Value extends string>(
	message: string,
	values: readonly Value[],
	meanings: Readonly<Record<Value, string>>,
): Promise<Value> {
	const options = values.map((value) => ({ value: value as string, label: meanings[value] }));
	const answer = await select<string>({ message, options });
	if (isCancel(answer)) throw new InterruptedError();
	// Safe because the answer is one of the options.
	return answer as Value;
}

/** Asks a question that is answered with yes or no. */
export async function askWhether(message: string, initialValue: boolean): Promise<boolean> {
	const answer = await confirm({ message, initialValue });
	if (isCancel(answer)) throw new InterruptedError();
	return answer;
}
