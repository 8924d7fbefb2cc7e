import { reasonOf, sleep } from '@tmcp-sessions/core/backend';
import { SOCKET_CHECK, watchSocket } from '@tmcp-sessions/core/internal';
import { hasEnded } from '@tmcp-sessions/tasks/backend';
import type { StopWatching, TaskRecord } from '@tmcp-sessions/tasks/backend';

import { TASK_ENDED } from '../wire.ts';

const UNKNOWN = 404;
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 15_000;
const URL_OF_OBJECT = 'https://task.internal/';
const NONE = -1;

/** The object of a task, to open a socket to. */
export type TaskTarget = Pick<Fetcher, 'fetch'>;

/**
 * Observes a task by a socket to its object, in the request that owns the stream. A socket that replaces a
 * lost one names the last revision that it has received, and continues with the states after it.
 *
 * @returns `undefined` if the task is unknown.
 * @throws if the object cannot be reached.
 */
export async function watchTask(
	target: () => TaskTarget,
	listener: (record: TaskRecord) => void,
	report: (error: unknown) => void,
): Promise<StopWatching | undefined> {
	const watch = new TaskWatch(target, listener, report);
	return (await watch.open()) ? () => watch.stop() : undefined;
}

class TaskWatch {
	readonly #target: () => TaskTarget;
	readonly #listener: (record: TaskRecord) => void;
	readonly #report: (error: unknown) => void;
	#socket: WebSocket | undefined;
	#revision = NONE;
	#isOver = false;

	constructor(
		target: () => TaskTarget,
		listener: (record: TaskRecord) => void,
		report: (error: unknown) => void,
	) {
		this.#target = target;
		this.#listener = listener;
		this.#report = report;
	}

	/** Opens the socket. Returns whether the task is known. */
	async open(): Promise<boolean> {
		const url =
			this.#revision === NONE ? URL_OF_OBJECT : `${URL_OF_OBJECT}?after=${this.#revision}`;
		const response = await this.#target().fetch(url, {
			headers: { Upgrade: 'websocket' },
		});
		const { status, webSocket: socket } = response;
		if (!socket) {
			const text = await response.text();
			if (status === UNKNOWN) return false;
			throw new Error(`TaskObject responded ${status}: ${text.slice(0, 200)}`);
		}
		if (this.#isOver) {
			socket.accept();
			socket.close(1000);
			return true;
		}
		socket.addEventListener('message', ({ data }) => {
			if (data !== SOCKET_CHECK) this.#receive(String(data));
		});
		socket.addEventListener('close', ({ code }) => this.#reopen(socket, code));
		socket.accept();
		this.#socket = socket;
		watchSocket(socket, () => this.#reopen(socket));
		return true;
	}

	stop(): void {
		this.#isOver = true;
		this.#socket?.close(1000);
	}

	#receive(data: string): void {
		const record = JSON.parse(data) as TaskRecord; // Safe because only the object sends on this socket.
		if (this.#isOver || record.revision <= this.#revision) return;
		this.#revision = record.revision;
		if (hasEnded(record)) this.#isOver = true;
		this.#listener(record);
	}

	/** @param code with which the object closed the lost socket, if it did. */
	#reopen(lost: WebSocket, code?: number): void {
		if (this.#isOver || this.#socket !== lost || code === TASK_ENDED) return;
		this.#socket = undefined;
		if (code === undefined) lost.close(1000);
		this.#retry().catch((error: unknown) => this.#report(error));
	}

	async #retry(): Promise<void> {
		let failure: unknown;
		for (let pauseMs = FIRST_PAUSE_MS; pauseMs <= MAX_PAUSE_MS; pauseMs *= 2) {
			await sleep(pauseMs);
			if (this.#isOver) return;
			try {
				await this.open();
				return;
			} catch (error) {
				failure = error;
			}
		}
		throw new Error(`a task can no longer be observed: ${reasonOf(failure)}`);
	}
}
