import { createReporter } from '@tmcp-sessions/core/backend';
import { answerCheck, ownNamespace } from '@tmcp-sessions/core/internal';
import { cancelTask, deliverResponses, hasEnded, ownerOf } from '@tmcp-sessions/tasks/backend';
import type {
	ListedTask,
	ReachedLimit,
	TaskCall,
	TaskDelivery,
	TaskLimits,
	TaskPatch,
	TaskRecord,
	TaskStep,
} from '@tmcp-sessions/tasks/backend';
import { DurableObject } from 'cloudflare:workers';

import { indexName } from '../index-name.ts';
import { TASK_ENDED } from '../wire.ts';
import type { ObjectStart, ObjectStarted, TaskObjectRpc } from '../wire.ts';
import { LocalTaskStore } from './local-task-store.ts';
import { PrincipalList } from './principal-list.ts';
import { TaskRunner } from './task-runner.ts';
import { TaskStorage } from './task-storage.ts';

/**
 * The Durable Object of one task: its record, its steps, its alarm, and its call while it runs. Another
 * object of the class lists the tasks of a principal.
 */
export class TaskObject<Env = Cloudflare.Env> extends DurableObject<Env> implements TaskObjectRpc {
	readonly #storage: TaskStorage = new TaskStorage(this.ctx.storage.sql);
	readonly #store: LocalTaskStore = new LocalTaskStore({
		storage: this.#storage,
		id: this.ctx.id.toString(),
		env: this.env as object,
		now: () => this.now(),
		onChange: (record) => this.#publish(record),
	});
	readonly #list: PrincipalList = new PrincipalList(this.ctx.storage.sql, () => this.now());
	readonly #runner: TaskRunner = new TaskRunner({
		context: this.ctx,
		store: this.#store,
		storage: this.#storage,
		env: this.env,
		now: () => this.now(),
	});

	/** Returns the time in milliseconds since the epoch. Tests override it. */
	now(): number {
		return Date.now();
	}

	async start({
		bucket,
		call,
		handler,
		object,
		record,
		waitMs,
	}: ObjectStart): Promise<ObjectStarted> {
		if (!this.#store.stored) {
			const mistake = this.#runner.mistakeIn({ handler, object });
			if (mistake !== undefined) return { mistake };
			await this.#store.create(record, call, bucket);
			await this.#runner.queue({ handler, object });
		}
		if (waitMs > 0) await this.#runner.endedWithin(waitMs);
		return { record: (await this.#store.read()) ?? record };
	}

	async create(record: TaskRecord, call: TaskCall, bucket?: string): Promise<void> {
		await this.#store.create(record, call, bucket);
		await this.ctx.storage.setAlarm(record.expiresAtMs);
	}

	readTask(): Promise<TaskRecord | undefined> {
		return this.#store.read();
	}

	readCall(): Promise<TaskCall | undefined> {
		return this.#store.readCall();
	}

	update(revision: number, patch: TaskPatch): Promise<TaskRecord | undefined> {
		return this.#store.update('', revision, patch);
	}

	addStep(step: TaskStep): Promise<boolean> {
		return this.#store.addStep('', step);
	}

	readSteps(): Promise<readonly TaskStep[]> {
		return this.#store.readSteps();
	}

	async deliver(responses: Record<string, unknown>): Promise<TaskDelivery> {
		const { record, ...delivery } = await deliverResponses(this.#store, '', responses);
		if (record) await this.#runner.deliver(record);
		return delivery;
	}

	async cancel(): Promise<boolean> {
		const { isChanged, isKnown } = await cancelTask(this.#store, '');
		if (isChanged) await this.#runner.cancel();
		return isKnown;
	}

	async remove(): Promise<void> {
		await this.#delete();
	}

	async reserve(
		task: ListedTask,
		limits: TaskLimits | undefined,
	): Promise<ReachedLimit | undefined> {
		const reached = this.#list.reserve(task, limits);
		const lastMs = this.#list.lastExpiryMs();
		if (!reached && lastMs !== undefined) await this.ctx.storage.setAlarm(lastMs);
		return reached;
	}

	async list(session?: string): Promise<readonly ListedTask[]> {
		return this.#list.list(session);
	}

	async settle(name: string, isDeleted: boolean): Promise<void> {
		this.#list.settle(name, isDeleted);
	}

	/** Accepts the WebSocket of a Worker whose client observes the task. */
	override async fetch(request: Request): Promise<Response> {
		if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') {
			const text = 'A TaskObject accepts WebSockets only; use DurableObjectTasks';
			return new Response(text, { status: 426, headers: { Upgrade: 'websocket' } });
		}
		const after = new URL(request.url).searchParams.get('after');
		let states: readonly TaskRecord[];
		do {
			states = await this.#store.readSince(after === null ? undefined : Number(after));
			// A change that came meanwhile must not be missed.
		} while (states.at(-1)?.revision !== this.#store.live?.revision);
		if (states.length === 0) return new Response('unknown task', { status: 404 });
		const { 0: client, 1: server } = new WebSocketPair();
		this.ctx.acceptWebSocket(server);
		for (const state of states) send(server, state);
		return new Response(null, { status: 101, webSocket: client });
	}

	override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
		answerCheck(socket, message);
	}

	override webSocketClose(socket: WebSocket): void {
		close(socket, 1000);
	}

	override webSocketError(socket: WebSocket): void {
		close(socket, 1011);
	}

	/** Handles the object's only alarm: the run of the task, and its expiry. */
	override async alarm(): Promise<void> {
		const record = this.#store.stored;
		if (!record) {
			const lastMs = this.#list.lastExpiryMs();
			if (lastMs === undefined) await this.#delete();
			else await this.ctx.storage.setAlarm(lastMs);
		} else if (record.expiresAtMs <= this.now()) {
			await this.#expire(record);
		} else {
			await this.#runner.run(record);
		}
	}

	async #expire(record: TaskRecord): Promise<void> {
		await this.#runner.cancel();
		for (const socket of this.ctx.getWebSockets()) close(socket, TASK_ENDED);
		await this.#settleInList(record, true);
		await this.#delete();
	}

	async #delete(): Promise<void> {
		await this.#store.delete();
		await this.ctx.storage.deleteAlarm();
		await this.ctx.storage.deleteAll();
		this.#storage.forget();
	}

	/** Sends a change to the Workers whose clients observe the task. */
	#publish(record: TaskRecord): void {
		for (const socket of this.ctx.getWebSockets()) send(socket, record);
		if (!hasEnded(record)) return;
		this.#runner.markEnded();
		this.ctx.waitUntil(this.#settleInList(record, false));
	}

	/** The list is for limits only: a failure must not keep the task from ending. */
	async #settleInList(record: TaskRecord, isDeleted: boolean): Promise<void> {
		const owner = ownerOf(record);
		if (owner === '') return;
		try {
			const exports: object | undefined = Reflect.get(this.ctx, 'exports') as object | undefined;
			const namespace = ownNamespace<DurableObjectNamespace<TaskObject>>(
				this.ctx.id,
				exports,
				this.env as object,
			);
			const list = namespace?.getByName(await indexName(owner));
			await list?.settle(record.name, isDeleted);
		} catch (error) {
			createReporter()(error);
		}
	}
}

function send(socket: WebSocket, record: TaskRecord): void {
	try {
		socket.send(JSON.stringify(record));
		if (hasEnded(record)) socket.close(TASK_ENDED, 'the task has ended');
	} catch {
		// The socket is closed: its Worker opens another one.
	}
}

function close(socket: WebSocket, code: number): void {
	try {
		socket.close(code);
	} catch {
		// It is closed already.
	}
}
