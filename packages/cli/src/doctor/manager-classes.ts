import type { BindingKind } from '@tmcp-sessions/core/backend';
import {
	KV_KIND,
	SESSION_OBJECT_KIND,
	SESSION_SHARD_KIND,
	SYNC_LAYER_KIND,
	TASK_OBJECT_KIND,
} from '@tmcp-sessions/core/internal';

/** What a manager is for. */
export type ManagerRole = 'info' | 'streams' | 'subscriptions' | 'tasks' | 'router';

/** A class of this family that an entry constructs, or a function that it calls. */
export interface ManagerClass {
	readonly role: ManagerRole;
	/** The binding that it needs. */
	readonly kind?: BindingKind;
	/** The option that names the binding. Default: `binding`. */
	readonly option?: string;
	/** Whether it holds streams in the memory of one isolate. */
	readonly isInMemory?: boolean;
}

/** The managers and stores that may need a binding, by the name of their class. */
export const MANAGER_CLASSES: Readonly<Record<string, ManagerClass>> = {
	KVInfoSessionManager: { role: 'info', kind: KV_KIND },
	KVSessionStore: { role: 'info', kind: KV_KIND },
	DurableObjectInfoSessionManager: { role: 'info', kind: SESSION_SHARD_KIND },
	DurableObjectSessionStore: { role: 'info', kind: SESSION_SHARD_KIND },
	SealedInfoSessionManager: { role: 'info' },
	UpstashInfoSessionManager: { role: 'info' },
	StoredInfoSessionManager: { role: 'info' },
	DurableObjectStreamSessionManager: { role: 'streams', kind: SYNC_LAYER_KIND },
	InMemoryStreamSessionManager: { role: 'streams', isInMemory: true },
	RedisStreamSessionManager: { role: 'streams' },
	DurableObjectSubscriptionManager: { role: 'subscriptions', kind: SYNC_LAYER_KIND },
	InMemorySubscriptionManager: { role: 'subscriptions', isInMemory: true },
	RedisSubscriptionManager: { role: 'subscriptions' },
	DurableObjectTasks: { role: 'tasks', kind: TASK_OBJECT_KIND },
	InMemoryTasks: { role: 'tasks' },
	createSessionRouter: { role: 'router', kind: SESSION_OBJECT_KIND, option: 'object' },
};
