import type { RequestScope } from '@tmcp-sessions/core/backend';

import type { HeldStream } from './held-stream.ts';
import type { RedisEvent } from '../process/redis-event.ts';

/** Starts this many streams at a time after the subscription was replaced. */
const AT_A_TIME = 50;

/** The streams that this process holds. */
export class HeldStreams {
	readonly #bySession = new Map<string, Map<string, HeldStream>>();
	readonly #byRequest = new WeakMap<RequestScope, HeldStream>();

	add(stream: HeldStream, scope: RequestScope | undefined): void {
		const streams = this.#bySession.get(stream.session) ?? new Map<string, HeldStream>();
		this.#bySession.set(stream.session, streams.set(stream.id, stream));
		if (scope) this.#byRequest.set(scope, stream);
	}

	remove(stream: HeldStream): void {
		const streams = this.#bySession.get(stream.session);
		if (streams?.delete(stream.id) && streams.size === 0) this.#bySession.delete(stream.session);
	}

	/** Returns the keys of the streams in Redis. */
	leases(): string[] {
		return this.all().map((stream) => stream.lease);
	}

	/**
	 * Returns the streams whose client has disconnected: that of the current request or, outside of any
	 * request, the cancelled ones of the session. `undefined` if the call ends the session instead.
	 */
	cancelled(session: string, scope: RequestScope | undefined): HeldStream[] | undefined {
		const own = scope && this.#byRequest.get(scope);
		if (own) return [own];
		if (scope) return undefined;
		const local = [...(this.#bySession.get(session)?.values() ?? [])];
		const cancelled = local.filter((stream) => !stream.isClientConnected());
		return cancelled.length > 0 ? cancelled : undefined;
	}

	/** Passes an event to the streams that it concerns. */
	handle(event: RedisEvent): void {
		switch (event[0]) {
			case 'm': {
				const [, , , streams] = event;
				if (streams === null) return this.all().forEach((stream) => stream.handle(event));
				for (const [session, id] of streams) this.#bySession.get(session)?.get(id)?.handle(event);
				return;
			}
			case 'c':
			case 'e':
				return this.#bySession.get(event[1])?.get(event[2])?.handle(event);
			case 'E':
			case 'k': {
				const streams = [...(this.#bySession.get(event[1])?.values() ?? [])];
				return streams.forEach((stream) => stream.handle(event));
			}
			case 'i':
			case 'n':
				return;
		}
	}

	/** Lets events wait until the streams have caught up. */
	startWaiting(): void {
		for (const stream of this.all()) stream.startWaiting();
	}

	/** Catches up with what the streams missed. A stream that fails ends, so that its client resumes it. */
	async catchUp(): Promise<void> {
		const streams = this.all();
		for (let index = 0; index < streams.length; index += AT_A_TIME) {
			const batch = streams.slice(index, index + AT_A_TIME).map(async (stream) => {
				if (stream.isReleased) return;
				await stream.catchUp().catch((error: unknown) => stream.endEarly(error));
			});
			await Promise.all(batch);
		}
	}

	all(): HeldStream[] {
		return [...this.#bySession.values()].flatMap((streams) => [...streams.values()]);
	}
}
