import { currentContext, withOverrides } from '@tmcp-sessions/http/internal';
import type { ExtensionHost, JsonObject, RequestContext } from '@tmcp-sessions/http/internal';
import type { SubscriptionManager } from '@tmcp/session-manager';

import { hasEnded } from '../task/task-record.ts';
import type { StopWatching, TaskStore } from '../task/task-store.ts';
import { taskNotification } from './wire.ts';

type Create = SubscriptionManager['create'];
type Callbacks = Parameters<Create>[1];
type Notification = Parameters<Callbacks['send']>[0];

/** A task that a client may observe. */
export interface ObservedTask {
	/** The id that the client knows. */
	readonly taskId: string;
	readonly name: string;
}

/** Adds the notifications of tasks to subscriptions. */
export class TaskSubscriptions {
	readonly #store: TaskStore;
	readonly #report: ExtensionHost['report'];
	/** The tasks that a `subscriptions/listen` observes. */
	readonly #observed = new WeakMap<RequestContext, readonly ObservedTask[]>();

	constructor(store: TaskStore, report: ExtensionHost['report']) {
		this.#store = store;
		this.#report = report;
	}

	/** Notes which tasks the subscription of a request observes, before the server creates it. */
	observe(context: RequestContext, tasks: readonly ObservedTask[]): void {
		this.#observed.set(context, tasks);
	}

	/** Returns the manager with an acknowledgement that names the tasks, and with their notifications. */
	wrap(manager: SubscriptionManager): SubscriptionManager {
		return withOverrides(manager, {
			create: (subscription, callbacks) => {
				const context = currentContext();
				const tasks = context && this.#observed.get(context);
				if (!context || !tasks) return manager.create(subscription, callbacks);
				const { filters } = subscription;
				return manager.create(subscription, this.#observing(context, tasks, filters, callbacks));
			},
		});
	}

	#observing(
		context: RequestContext,
		tasks: readonly ObservedTask[],
		filters: object,
		callbacks: Callbacks,
	): Callbacks {
		const stops: StopWatching[] = [];
		let isClosed = false;
		// Notifications follow the acknowledgement.
		let held: Notification[] | undefined = [];
		const send = (notification: Notification): void => {
			if (isClosed) return;
			if (held) held.push(notification);
			// The change comes from another request; the stream belongs to this one.
			else context.run(() => this.#settle(callbacks.send(notification)));
		};
		const watch = async ({ name, taskId }: ObservedTask): Promise<string[]> => {
			// The listener may be called before the watch is known.
			const watched: { stop?: StopWatching } = {};
			let isOver = false;
			const stop = await this.#store.watch(name, (record) => {
				send(asNotification(taskNotification(taskId, record)));
				if (!hasEnded(record)) return;
				isOver = true;
				watched.stop?.();
			});
			if (!stop) return [];
			watched.stop = stop;
			if (isOver || isClosed) stop();
			else stops.push(stop);
			return [taskId];
		};
		return {
			...callbacks,
			acknowledge: async () => {
				const taskIds = (await Promise.all(tasks.map(watch))).flat();
				const params = { notifications: { ...filters, ...(taskIds.length > 0 && { taskIds }) } };
				const method = 'notifications/subscriptions/acknowledged';
				await callbacks.send(asNotification({ jsonrpc: '2.0', method, params }));
				const waiting = held ?? [];
				held = undefined;
				for (const notification of waiting) send(notification);
			},
			close: (reason) => {
				isClosed = true;
				for (const stop of stops) stop();
				return callbacks.close(reason);
			},
		};
	}

	#settle(sent: unknown): void {
		if (sent instanceof Promise) sent.catch((error: unknown) => this.#report(error));
	}
}

/** Safe because a notification has these members. */
function asNotification(message: JsonObject): Notification {
	return message as unknown as Notification;
}
