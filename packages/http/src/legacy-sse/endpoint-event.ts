import type { Frames } from '../response/sse.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const EVENT = 'event: endpoint\n';

/**
 * A stream as its client gets it: first of all the event that says where messages go. The transport
 * writes it once the stream is registered, behind what its manager begins a stream with and what was
 * broadcast meanwhile, which clients would take for the first event.
 *
 * @param body the transport's stream.
 * @param url where messages go, in the place of the transport's own.
 * @param onEnd told once, when the stream has ended, whoever ended it.
 */
export function endpointFirst(
	body: ReadableStream<Frames>,
	url: string,
	onEnd: () => void,
): ReadableStream<Frames> {
	const reader = body.getReader();
	const early: Frames[] = [];
	let isOpen = false;
	let hasEnded = false;
	const end = (): void => {
		if (hasEnded) return;
		hasEnded = true;
		onEnd();
	};
	const source: UnderlyingDefaultSource<Frames> = {
		start(controller) {
			// Also where nobody is reading: what cuts a client that stalls must reach it.
			reader.closed.catch((error: unknown) => {
				controller.error(error);
				end();
			});
		},
		async pull(controller) {
			for (;;) {
				const { done, value } = await reader.read();
				if (done) {
					controller.close();
					return end();
				}
				if (isOpen) return controller.enqueue(value);
				if (decoder.decode(value.subarray(0, EVENT.length)) !== EVENT) {
					early.push(value);
					continue;
				}
				isOpen = true;
				controller.enqueue(encoder.encode(`${EVENT}data: ${url}\n\n`));
				for (const frames of early.splice(0)) controller.enqueue(frames);
				return;
			}
		},
		async cancel(reason) {
			await reader.cancel(reason);
			end();
		},
	};
	return new ReadableStream(source, { highWaterMark: 0 });
}
