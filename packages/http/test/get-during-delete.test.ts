import {
	InMemorySessionStore,
	InMemoryStreamSessionManager,
	StoredInfoSessionManager,
} from '@tmcp-sessions/core';
import { currentContext } from '@tmcp-sessions/http/internal';
import { McpServer } from 'tmcp';
import { expect, it } from 'vitest';

import { open, post, setUp, URL_OF_MCP } from './local-handler.ts';

/** What each request does with the managers, in order. */
const GET = ['GET live', 'GET create'];
const DELETE = ['DELETE live', 'DELETE streams', 'DELETE info'];
const SET_LEVEL = ['POST live', 'POST update'];
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

class ScheduledStore extends InMemorySessionStore {
	schedule: Schedule | undefined;
	override async update(
		...parameters: Parameters<InMemorySessionStore['update']>
	): Promise<boolean> {
		const update = async (): Promise<boolean> => super.update(...parameters);
		return this.schedule ? this.schedule.run('update', update) : update();
	}
}

function requestOf(method: 'DELETE' | 'GET', session: string): Request {
	const headers = { accept: 'text/event-stream', 'mcp-session-id': session };
	return new Request(URL_OF_MCP, { method, headers });
}

/**
 * Sends a request while its session ends.
 *
 * @param steps the order of what both requests do with the managers.
 * @returns the response, and the errors that anything has reported.
 */
async function sendWhileEnding(
	steps: readonly string[],
	requestIn: (session: string) => Request,
): Promise<{ response: Response; errors: Error[] }> {
	const errors: Error[] = [];
	const onError = (error: Error): void => void errors.push(error);
	const streams = new ScheduledStreams({ onError });
	const store = new ScheduledStore();
	const info = new ScheduledInfo(store, { onError });
	const server = new McpServer(
		{ name: 'test', version: '1.0.0' },
		{ adapter: undefined, capabilities: { logging: {} } },
	);
	const { mcp } = setUp({ info, streams, onError }, server);
	const session = await open(mcp);
	const schedule = new Schedule(steps);
	for (const scheduled of [streams, info, store]) scheduled.schedule = schedule;
	const send = async (request: Request): Promise<Response> => {
		const response = await mcp.fetch(request);
		schedule.skip(request.method);
		return response;
	};
	const [response, ended] = await Promise.all([
		send(requestIn(session)),
		send(requestOf('DELETE', session)),
	]);
	expect(ended.status).toBe(200);
	return { response, errors };
}

function ordersOf(steps: readonly string[]): { steps: readonly string[]; title: string }[] {
	return [...interleavings(steps, DELETE)].map((order) => ({
		steps: order,
		title: order.join(', '),
	}));
}

it.each(ordersOf(GET))(
	'hazard get-during-delete: leaves no stream open and reports nothing after $title',
	async ({ steps }) => {
		const { response, errors } = await sendWhileEnding(steps, (session) =>
			requestOf('GET', session),
		);
		expect([200, 404]).toContain(response.status);
		const late = new Promise((resolve) => setTimeout(resolve, END_MS, 'still open'));
		expect(await Promise.race([response.text().catch(() => 'cut'), late])).not.toBe('still open');
		expect(errors).toEqual([]);
	},
);

it.each(ordersOf(SET_LEVEL))(
	'answers a change of the session and reports nothing after $title',
	async ({ steps }) => {
		const message = { id: 7, method: 'logging/setLevel', params: { level: 'debug' } };
		const { response, errors } = await sendWhileEnding(steps, (session) => post(message, session));
		const hasEnded = steps.indexOf('DELETE info') < steps.indexOf('POST update');
		// A request that takes longer than its turn gets a stream, whose status is sent before its end.
		expect([200, 404]).toContain(response.status);
		const text = await response.text();
		const answer: unknown = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? text);
		expect(answer).toMatchObject(
			hasEnded ? { id: 7, error: { code: -32_001 } } : { id: 7, result: {} },
		);
		expect(errors).toEqual([]);
	},
);

it('ends a stream whose session ends after its status was sent, and reports nothing', async () => {
	const errors: Error[] = [];
	const onError = (error: Error): void => void errors.push(error);
	const gate = Promise.withResolvers<void>();
	class SlowStreams extends InMemoryStreamSessionManager {
		override async create(id: string, controller: ReadableStreamDefaultController): Promise<void> {
			await gate.promise;
			super.create(id, controller);
		}
	}
	const streams = new SlowStreams({ onError });
	const { mcp } = setUp({ streams, onError, keepAliveSeconds: 0.01 });
	const session = await open(mcp);
	const opened = await mcp.fetch(requestOf('GET', session));
	expect(opened.status).toBe(200);
	await mcp.fetch(requestOf('DELETE', session));
	gate.resolve();
	expect(await opened.text()).toMatch(/^(: keep-alive\n)+$/);
	expect(errors).toEqual([]);
});
