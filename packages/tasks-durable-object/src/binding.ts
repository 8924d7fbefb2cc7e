import { durableObjectKind, resolveBinding } from '@tmcp-sessions/core/backend';
import type { BindingRequirement } from '@tmcp-sessions/core/backend';
import { env } from 'cloudflare:workers';

import { BUCKET_KIND } from './bucket-binding.ts';
import type { TaskObject } from './object/task-object.ts';
import { PACKAGE } from './package-name.ts';

/** A Durable Object namespace of `TaskObject`, or the name of its binding. */
export type TaskObjectBinding = string | DurableObjectNamespace<TaskObject>;

/** The default name of the binding. */
export const DEFAULT_BINDING = 'TMCP_TASK_OBJECT';

const KIND = durableObjectKind(PACKAGE, 'TaskObject', DEFAULT_BINDING);

/** Returns the bindings, without resolving them. */
export function taskBindings(
	binding: TaskObjectBinding = DEFAULT_BINDING,
	bucket: string | undefined,
): BindingRequirement[] {
	const objects = { kind: KIND, binding, env };
	return bucket === undefined ? [objects] : [objects, { kind: BUCKET_KIND, binding: bucket, env }];
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
	const namespace = resolveBinding(KIND, binding, env);
	return jurisdiction ? namespace.jurisdiction(jurisdiction) : namespace;
}
