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
