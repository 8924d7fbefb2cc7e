/** The type of a field. */
export type Shape = 'a list' | 'an object';

/** The fields of wrangler.jsonc, from config-schema.json of wrangler 4.156. */
export const FIELDS: readonly string[] = (
	'$schema env durable_objects name account_id compatibility_date compatibility_flags main ' +
	'find_additional_modules preserve_file_names base_dir workers_dev preview_urls routes route ' +
	'tsconfig jsx_factory jsx_fragment migrations exports triggers limits rules build no_bundle ' +
	'minify keep_names first_party_worker logfwdr logpush upload_source_maps placement assets ' +
	'observability access cache compliance_region python_modules previews define vars secrets ' +
	'workflows cloudchamber containers kv_namespaces send_email queues connect r2_buckets ' +
	'd1_databases vectorize ai_search_namespaces ai_search agent_memory hyperdrive services ' +
	'analytics_engine_datasets browser analytics ai images media stream version_metadata unsafe ' +
	'mtls_certificates tail_consumers streaming_tail_consumers dispatch_namespaces pipelines k2 ' +
	'secrets_store_secrets artifacts unsafe_hello_world flagship ratelimits worker_loaders ' +
	'vpc_services vpc_networks pages_build_output_dir send_metrics dependencies_instrumentation ' +
	'dev site wasm_modules text_blobs data_blobs alias keep_vars addresses '
)
	.trim()
	.split(' ');

/** The fields that no other field has inside, except environments. */
export const TOP_LEVEL: ReadonlySet<string> = new Set([
	'account_id',
	'compatibility_date',
	'compatibility_flags',
	'd1_databases',
	'durable_objects',
	'keep_vars',
	'kv_namespaces',
	'main',
	'migrations',
	'observability',
	'preview_urls',
	'r2_buckets',
	'workers_dev',
]);

/** By path, the type of the fields that the rules read. */
export const SHAPES: readonly (readonly [path: readonly string[], shape: Shape])[] = [
	[['compatibility_flags'], 'a list'],
	[['durable_objects'], 'an object'],
	[['durable_objects', 'bindings'], 'a list'],
	[['kv_namespaces'], 'a list'],
	[['migrations'], 'a list'],
	[['queues'], 'an object'],
	[['queues', 'consumers'], 'a list'],
	[['queues', 'producers'], 'a list'],
	[['r2_buckets'], 'a list'],
	[['routes'], 'a list'],
	[['secrets'], 'an object'],
	[['secrets', 'required'], 'a list'],
	[['vars'], 'an object'],
	[['workflows'], 'a list'],
];

interface EntryFields {
	readonly required: readonly string[];
	readonly others: readonly string[];
}

/** By the path of a list, the fields of its entries. */
export const FIELDS_OF_ENTRIES: readonly (readonly [path: readonly string[], EntryFields])[] = [
	[['kv_namespaces'], { required: ['binding'], others: ['id', 'preview_id', 'remote'] }],
	[
		['durable_objects', 'bindings'],
		{ required: ['name', 'class_name'], others: ['script_name', 'environment'] },
	],
	[
		['migrations'],
		{
			required: [],
			others: [
				'tag',
				'new_classes',
				'new_sqlite_classes',
				'renamed_classes',
				'deleted_classes',
				'transferred_classes',
			],
		},
	],
	[['queues', 'producers'], { required: ['binding', 'queue'], others: [] }],
	[['queues', 'consumers'], { required: ['queue'], others: [] }],
	[['r2_buckets'], { required: ['binding'], others: [] }],
	[['workflows'], { required: ['name', 'binding', 'class_name'], others: [] }],
];
