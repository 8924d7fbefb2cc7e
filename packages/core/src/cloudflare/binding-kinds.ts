import { durableObjectKind } from './binding.ts';
import type { BindingKind } from './binding.ts';

// The bindings of the family's packages: the packages check them at the first request, and the command
// line compares them with wrangler.jsonc.

/** The KV namespace of `info-kv`. */
export const KV_KIND: BindingKind = {
	packageName: 'info-kv',
	what: 'a Workers KV namespace',
	methods: ['get', 'getWithMetadata', 'put', 'list', 'delete'],
	defaultName: 'TMCP_SESSION_INFO',
	wranglerLines: (name) =>
		`  // Older wrangler needs the "id", too, that npx wrangler kv namespace create ${name} prints.\n` +
		`  "kv_namespaces": [{ "binding": "${name}" }]`,
};

/** The objects of `streams-durable-object`. */
export const SYNC_LAYER_KIND: BindingKind = /* @__PURE__ */ durableObjectKind(
	'streams-durable-object',
	'SyncLayer',
	'TMCP_DURABLE_OBJECT',
);

/** The objects of `info-durable-object`. */
export const SESSION_SHARD_KIND: BindingKind = /* @__PURE__ */ durableObjectKind(
	'info-durable-object',
	'SessionShard',
	'TMCP_SESSION_SHARD',
);

/** The objects of `tasks-durable-object`. */
export const TASK_OBJECT_KIND: BindingKind = /* @__PURE__ */ durableObjectKind(
	'tasks-durable-object',
	'TaskObject',
	'TMCP_TASK_OBJECT',
);

/** The objects of `session-object`, whose class extends `SessionObject`. */
export const SESSION_OBJECT_KIND: BindingKind = /* @__PURE__ */ durableObjectKind(
	'session-object',
	'YourSessionObject',
	'SESSIONS',
	'export class YourSessionObject extends SessionObject { … } // of @tmcp-sessions/session-object',
);

/** The bucket of `tasks-durable-object`, for results that do not fit into a row. */
export const RESULT_BUCKET_KIND: BindingKind = {
	packageName: 'tasks-durable-object',
	what: 'an R2 bucket',
	methods: ['head', 'put', 'createMultipartUpload'],
	defaultName: 'TMCP_TASK_RESULTS',
	wranglerLines: (name) =>
		`  "r2_buckets": [{ "binding": "${name}", "bucket_name": "<a bucket>" }]`,
};

/** The line with which a Worker exports the class of `tasks-workflows`. */
export const TASK_WORKFLOW_EXPORT =
	"export { TaskWorkflow } from '@tmcp-sessions/tasks-workflows';";

/** The Workflow of `tasks-workflows`. */
export const TASK_WORKFLOW_KIND: BindingKind = {
	packageName: 'tasks-workflows',
	what: 'a Workflow',
	methods: ['create', 'createBatch', 'get'],
	defaultName: 'TMCP_TASK_WORKFLOW',
	wranglerLines: (name) =>
		`  "workflows": [{ "name": "tmcp-tasks", "binding": "${name}", "class_name": "TaskWorkflow" }]\n\n` +
		`and the Worker's entry:\n\n  ${TASK_WORKFLOW_EXPORT}`,
};

/** The queue of `tasks-queue`, and its consumers. */
export const TASK_QUEUE_KIND: BindingKind = {
	packageName: 'tasks-queue',
	what: 'a queue',
	methods: ['send', 'sendBatch'],
	defaultName: 'TMCP_TASK_QUEUE',
	wranglerLines: (name) =>
		`  "queues": {\n    "producers": [{ "binding": "${name}", "queue": "tmcp-tasks" }],\n    "consumers": [\n` +
		'      { "queue": "tmcp-tasks", "max_batch_size": 1, "max_batch_timeout": 0, "dead_letter_queue": "tmcp-tasks-dead" },\n' +
		'      { "queue": "tmcp-tasks-dead" }\n    ]\n  }',
};
