/**
 * The most UTF-16 units of a message. A frame of a WebSocket holds 32 MiB of UTF-8, to which a unit
 * adds at most three bytes; a call to an object takes 32 MiB too, at two bytes a unit.
 * https://developers.cloudflare.com/durable-objects/platform/limits/
 */
export const MAX_MESSAGE_CHARACTERS: number = Math.floor((32 * 1024 * 1024) / 3);

/** What is wrong with a message of this length, where something is. */
export function lengthProblem(
	length: number,
	most: number = MAX_MESSAGE_CHARACTERS,
): string | undefined {
	if (length <= most) return undefined;
	return `a message has at most ${most} UTF-16 units; found ${length}. Send less`;
}
