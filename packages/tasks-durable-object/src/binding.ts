import { resolveBinding } from '@tmcp-sessions/core/backend';
import type { BindingRequirement } from '@tmcp-sessions/core/backend';
import { RESULT_BUCKET_KIND, TASK_OBJECT_KIND } from '@tmcp-sessions/core/internal';
import { env } from 'cloudflare:workers';

import type { TaskObject } from './object/task-object.ts';

/** A Durable Object namespace of `TaskObject`, or the name of its binding. */
export type TaskObjectBinding = string | DurableObjectNamespace<TaskObject>;

/** The default name of the binding. */
export const DEFAULT_BINDING: string = TASK_OBJECT_KIND.defaultName;

/** Returns the bindings, without resolving them. */
export function taskBindings(
	binding: TaskObjectBinding = DEFAULT_BINDING,
	bucket: string | undefined,
): BindingRequirement[] {
	const objects = { kind: TASK_OBJECT_KIND, binding, env };
	return bucket === undefined
		? [objects]
		: [objects, { kind: RESULT_BUCKET_KIND, binding: bucket, env }];
}

/**
 * Returns the namespace of the objects.
 *
 * @throws {BindingError} if the binding is missing or is not a Durable Object namespace.
 */
export function taskObjects(
	binding: TaskObjectBinding,
	jurisdiction: DurableObjectJurisdiction | undefined,
): DurableObjectNamespace<TaskObject> {
	const namespace = resolveBinding(TASK_OBJECT_KIND, binding, env);
	return jurisdiction ? namespace.jurisdiction(jurisdiction) : namespace;
}
