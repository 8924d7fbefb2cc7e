import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { currentContext } from '@tmcp-sessions/http/internal';
import { expect, it } from 'vitest';

import { open, setUp, URL_OF_MCP } from './local-handler.ts';

/** What each request does with the managers, in order. */
const GET = ['GET live', 'GET create'];
const DELETE = ['DELETE live', 'DELETE streams', 'DELETE info'];
/** A stream that was opened too late ends at once. */
const END_MS = 500;

/** Runs the steps of two requests in a given order. */
class Schedule {
	#steps: readonly string[];
	readonly #waiting = new Map<string, () => void>();

	constructor(steps: readonly string[]) {
		this.#steps = steps;
	}

	/** Runs a step in its turn. */
	async run<Result>(name: string, step: () => Result | Promise<Result>): Promise<Result> {
		const key = `${currentContext()?.origin.method} ${name}`;
		if (!this.#steps.includes(key)) return step();
		if (this.#steps[0] !== key) {
			await new Promise<void>((resolve) => this.#waiting.set(key, resolve));
		}
		try {
			return await step();
		} finally {
			this.skip(key);
		}
	}

	/** Skips the steps of a request that has ended. */
	skip(prefix: string): void {
		this.#steps = this.#steps.filter((step) => !step.startsWith(prefix));
		this.#waiting.get(this.#steps[0] ?? '')?.();
	}
}

function* interleavings(
	one: readonly string[],
	other: readonly string[],
): Generator<readonly string[]> {
	const [[first, ...rest], [second, ...others]] = [one, other];
	if (first === undefined || second === undefined) yield [...one, ...other];
	else {
		for (const steps of interleavings(rest, other)) yield [first, ...steps];
		for (const steps of interleavings(one, others)) yield [second, ...steps];
	}
}

class ScheduledStreams extends InMemoryStreamSessionManager {
	schedule: Schedule | undefined;
	override create(id: string, controller: ReadableStreamDefaultController): Promise<void> {
		const create = (): void => super.create(id, controller);
		return this.#run('create', create);
	}
	override delete(id: string): Promise<void> {
		return this.#run('streams', () => super.delete(id));
	}
	async #run(name: string, step: () => void): Promise<void> {
		await (this.schedule?.run(name, step) ?? step());
	}
}

class ScheduledInfo extends StoredInfoSessionManager {
	schedule: Schedule | undefined;
	override async getSessionInfo(
		id: string,
	): ReturnType<StoredInfoSessionManager['getSessionInfo']> {
		const read = (): ReturnType<StoredInfoSessionManager['getSessionInfo']> =>
			super.getSessionInfo(id);
		return this.schedule ? this.schedule.run('live', read) : read();
	}
	override async delete(id: string): Promise<void> {
		const end = async (): Promise<void> => super.delete(id);
		await (this.schedule?.run('info', end) ?? end());
	}
}

it.each([...interleavings(GET, DELETE)].map((steps) => ({ steps, title: steps.join(', ') })))(
	'hazard get-during-delete: leaves no stream open after $title',
	async ({ steps }) => {
		const streams = new ScheduledStreams();
		const info = new ScheduledInfo(new InMemorySessionStore());
		const { mcp } = setUp({ info, streams });
		const session = await open(mcp);
		const schedule = new Schedule(steps);
		streams.schedule = schedule;
		info.schedule = schedule;
		const send = async (method: 'DELETE' | 'GET'): Promise<Response> => {
			const headers = { accept: 'text/event-stream', 'mcp-session-id': session };
			const response = await mcp.fetch(new Request(URL_OF_MCP, { method, headers }));
			schedule.skip(method);
			return response;
		};
		const [opened, ended] = await Promise.all([send('GET'), send('DELETE')]);
		expect(ended.status).toBe(200);
		expect([200, 404]).toContain(opened.status);
		const late = new Promise((resolve) => setTimeout(resolve, END_MS, 'still open'));
		expect(await Promise.race([opened.text().catch(() => 'cut'), late])).not.toBe('still open');
	},
);
