import type { BindingKind } from '@tmcp-sessions/core/backend';
import {
	KV_KIND,
	RESULT_BUCKET_KIND,
	SESSION_OBJECT_KIND,
	SESSION_SHARD_KIND,
	SYNC_LAYER_KIND,
	TASK_OBJECT_KIND,
	TASK_QUEUE_KIND,
	TASK_WORKFLOW_KIND,
} from '@tmcp-sessions/core/internal';

import type { Construction } from './read-entry.ts';

/** What a manager is for. */
type ManagerRole = 'info' | 'streams' | 'subscriptions' | 'tasks' | 'router';

/** A binding that a manager needs. */
export interface NeededBinding {
	readonly kind: BindingKind;
	/** The option that names the binding. Default: `binding`. */
	readonly option?: string;
	/** Whether it is needed only if the option is set. */
	readonly isOptional?: boolean;
	/** An option that replaces what needs the binding, whose name is then the default. */
	readonly unless?: string;
}

/** A class of this family that an entry constructs, or a function that it calls. */
interface ManagerClass {
	readonly role: ManagerRole;
	readonly bindings?: readonly NeededBinding[];
	/** Whether it holds streams in the memory of one isolate. */
	readonly isInMemory?: boolean;
}

const TASK_STORE: readonly NeededBinding[] = [
	{ kind: TASK_OBJECT_KIND },
	{ kind: RESULT_BUCKET_KIND, option: 'resultBucket', isOptional: true },
];
const DEFAULT_TASK_STORE: NeededBinding = { kind: TASK_OBJECT_KIND, unless: 'store' };

/** The managers and stores that may need a binding, by the name of their class. */
const MANAGER_CLASSES: Readonly<Record<string, ManagerClass>> = {
	KVInfoSessionManager: { role: 'info', bindings: [{ kind: KV_KIND }] },
	KVSessionStore: { role: 'info', bindings: [{ kind: KV_KIND }] },
	DurableObjectInfoSessionManager: { role: 'info', bindings: [{ kind: SESSION_SHARD_KIND }] },
	DurableObjectSessionStore: { role: 'info', bindings: [{ kind: SESSION_SHARD_KIND }] },
	SealedInfoSessionManager: { role: 'info' },
	UpstashInfoSessionManager: { role: 'info' },
	StoredInfoSessionManager: { role: 'info' },
	DurableObjectStreamSessionManager: { role: 'streams', bindings: [{ kind: SYNC_LAYER_KIND }] },
	InMemoryStreamSessionManager: { role: 'streams', isInMemory: true },
	RedisStreamSessionManager: { role: 'streams' },
	DurableObjectSubscriptionManager: {
		role: 'subscriptions',
		bindings: [{ kind: SYNC_LAYER_KIND }],
	},
	InMemorySubscriptionManager: { role: 'subscriptions', isInMemory: true },
	RedisSubscriptionManager: { role: 'subscriptions' },
	DurableObjectTasks: { role: 'tasks', bindings: TASK_STORE },
	DurableObjectTaskStore: { role: 'tasks', bindings: TASK_STORE },
	WorkflowTasks: {
		role: 'tasks',
		bindings: [{ kind: TASK_WORKFLOW_KIND }, DEFAULT_TASK_STORE],
	},
	QueueTasks: { role: 'tasks', bindings: [{ kind: TASK_QUEUE_KIND }, DEFAULT_TASK_STORE] },
	InMemoryTasks: { role: 'tasks' },
	createSessionRouter: {
		role: 'router',
		bindings: [{ kind: SESSION_OBJECT_KIND, option: 'object' }],
	},
};

/** Returns what a construction of this family is, or `undefined`. */
export function managerOf({ className, packageName }: Construction): ManagerClass | undefined {
	const isOfFamily = packageName.startsWith('@tmcp-sessions/');
	return isOfFamily || packageName === '@tmcp/session-manager'
		? MANAGER_CLASSES[className]
		: undefined;
}

/** The functions that create a handler. */
const HANDLERS = /^create(?:(?:Mcp|Sdk|Sse)Handler|SessionRouter)$/;

/** Whether a construction creates a handler of this family. */
export function createsHandler({ className, packageName }: Construction): boolean {
	return packageName.startsWith('@tmcp-sessions/') && HANDLERS.test(className);
}

/** Returns the kinds of all bindings that managers may need. */
export function bindingKinds(): BindingKind[] {
	return Object.values(MANAGER_CLASSES).flatMap(({ bindings = [] }) =>
		bindings.map(({ kind }) => kind),
	);
}
