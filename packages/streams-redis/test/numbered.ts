import type { OpenStream } from '@tmcp-sessions/testkit';

/** Returns the texts `<name> 0` to `<name> <count - 1>`. */
export function numbered(name: string, count: number, from = 0): string[] {
	return Array.from({ length: count - from }, (_, index) => `${name} ${from + index}`);
}

/** Returns the frame of a message. */
export function frame(message: string): string {
	return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}

/** Returns the comments of a stream that announce gaps. */
export function gapsOf(stream: OpenStream): string[] {
	return stream.text.match(/^: gap, .*$/gm) ?? [];
}
