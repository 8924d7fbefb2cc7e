import type { Frames } from '../response/frames.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const EVENT = 'event: endpoint\n';

/**
 * Returns a stream whose first event is the endpoint event. The transport writes that event when the
 * stream is registered, after the first frames of the manager and broadcasts that came meanwhile, which
 * clients would take for the endpoint event.
 *
 * @param body the transport's stream.
 * @param url where clients send messages, in place of the transport's own.
 * @param onEnd called once, when either side has ended the stream.
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
			// Independent of reads: the cut of a client that stalls must reach it.
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
