import { InMemoryStreamSessionManager } from '@tmcp-sessions/core';
import type { InMemoryStreamOptions } from '@tmcp-sessions/core';

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** A correct manager whose parts can be overridden. */
export class PlainManager extends InMemoryStreamSessionManager {
	readonly errors: Error[];

	constructor(options: InMemoryStreamOptions = {}) {
		const errors: Error[] = [];
		const onError = (error: Error): void => void errors.push(error);
		super({ bounds: { messages: 50 }, callWaitMs: 100, onError, ...options });
		this.errors = errors;
	}

	override create(id: string, controller: ReadableStreamDefaultController<Uint8Array>): void {
		super.create(
			id,
			new Proxy(controller, {
				get: (target, key) => {
					if (key === 'enqueue') return (chunk: Uint8Array) => this.write(target, chunk);
					const value: unknown = Reflect.get(target, key);
					return typeof value === 'function' ? (value.bind(target) as unknown) : value;
				},
			}),
		);
	}

	write(controller: ReadableStreamDefaultController<Uint8Array>, chunk: Uint8Array): void {
		const frame = this.transform(decoder.decode(chunk));
		controller.enqueue(encoder.encode(frame));
	}

	/** Changes a frame on its way to the client. */
	transform(frame: string): string {
		return frame;
	}
}
