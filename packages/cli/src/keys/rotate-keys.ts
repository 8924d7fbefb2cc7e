import { parseSecrets, weaknessOf } from '@tmcp-sessions/core/internal';

import { CliError } from '../command/cli-error.ts';

/** A step of a rotation. */
export type RotationStep = 1 | 2 | 3;

/**
 * Returns the value of the variable in a step of a rotation: the new key is accepted, then signs, then
 * is the only one.
 *
 * @param current the value that is deployed.
 * @param newKey used by step 1.
 * @throws {CliError} if the value is not one of the step before. The message has no key.
 */
export function rotateKeys(current: string, step: RotationStep, newKey: string): string {
	const keys = parseSecrets([current]);
	const weakness = keys.length > 0 ? weaknessOf(keys) : undefined;
	if (weakness) {
		throw new CliError(
			`session keys need ${weakness.required}; got ${weakness.found}. A weak key cannot be rotated ` +
				'safely: deploy the output of keys new at once',
		);
	}
	const [first = '', second] = keys;
	if (step === 1) {
		if (keys.length === 1) return `${first} ${newKey}`;
		throw new CliError(
			`step 1 starts with one key; found ${keys.length}. ` +
				(keys.length > 1
					? 'If it has been deployed, continue with --step 2'
					: 'Set the current key'),
		);
	}
	if (keys.length !== 2 || second === undefined || first === second) {
		throw new CliError(
			`step ${step} starts with the two keys of step ${step - 1}; found ${keys.length}. ` +
				`Run --step ${step - 1} first`,
		);
	}
	return step === 2 ? `${second} ${first}` : first;
}

/** What to do in each step, and how long to wait after it. */
export const ROTATION_STEPS: Readonly<Record<RotationStep, string>> = {
	1: 'The server accepts the new key, and the old one still signs. Deploy, and wait a few minutes until every isolate or process has it.',
	2: 'The new key signs, and the old one is still accepted. Deploy, and wait until every session of the old key has expired: 30 days, or absoluteSeconds of the server.',
	3: 'The new key is the only one. Deploy. Ids that the old key signed are then a 404.',
};
