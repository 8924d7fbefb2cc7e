import { newCallStream } from '@tmcp-sessions/core/internal';

/** Returns the name of the stream of a new call, whose request has the id 1. */
export function callStream(): string {
	const name = newCallStream(1);
	if (name === undefined) throw new Error('expected a name for the stream of a call; found none');
	return name;
}
