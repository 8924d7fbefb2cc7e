import { describe } from 'vitest';

import { added, all, change, exporting, inConfig, testMistakes } from './planted.ts';
import type { Change, Mistakes } from './planted.ts';

const production = (fields: string): Change =>
	added(
		`"env": { "production": { ${fields}, "kv_namespaces": [{ "binding": "TMCP_SESSION_INFO" }], "durable_objects": { "bindings": [{ "name": "TMCP_DURABLE_OBJECT", "class_name": "SyncLayer" }] }, "secrets": { "required": ["TMCP_SESSION_KEYS"] } } },`,
	);

const mistakes: Mistakes = {
	'a field that wrangler does not have': [
		added('"node_compat": true,'),
		'warning wrangler.jsonc:14 wrangler has no field "node_compat" here, and ignores it',
	],
	'a nested field that is misspelt': [
		added('"observability": { "enable": true },'),
		'wrangler has no field "enable" here, and ignores it\n    fix: write "enabled"',
	],
	'a text in place of a number': [
		added('"limits": { "cpu_ms": "30000" },'),
		'"limits.cpu_ms" must be a number; found "30000"',
	],
	'a choice that does not exist': [
		added('"placement": { "mode": "smrt" },'),
		'wrangler.jsonc:14 "placement.mode" must be one of',
	],
	'a text in place of a list': [
		added('"triggers": { "crons": "0 * * * *" },'),
		'"triggers.crons" must be a list',
	],
	'a text in place of a boolean': [
		added('"workers_dev": "false",'),
		'"workers_dev" must be a boolean; found "false"',
	],
	'a limit beyond that of the platform': [
		added('"limits": { "cpu_ms": 600000 },'),
		'"limits.cpu_ms" must be from 1 to 300000; found 600000',
	],
	'a name with capitals': [
		inConfig('"name": "notes"', '"name": "My Notes"'),
		'found My Notes\n    fix: write "my-notes"',
	],
	'no name': [inConfig('"name": "notes",', ''), '"name" is missing'],
	'an environment with the name of the top level': [
		production('"name": "notes"'),
		'the environment production has the name of the top level, notes',
	],
	'a host with a scheme': [
		added('"dev": { "host": "https://localhost" },'),
		'"dev.host" must be a host; found https://localhost',
	],
	'a class of two kinds': [
		added('"workflows": [{ "name": "w", "binding": "W", "class_name": "SyncLayer" }],'),
		'the class SyncLayer is bound as a Workflow and as a Durable Object',
	],
	'two bindings of one name in two lists': [
		added('"r2_buckets": [{ "binding": "TMCP_SESSION_INFO", "bucket_name": "notes" }],'),
		'two bindings have the name TMCP_SESSION_INFO',
	],
	'a variable and a secret of one name': [
		all(
			inConfig('["TMCP_SESSION_KEYS"]', '["TMCP_SESSION_KEYS", "REGION"]'),
			inConfig('"kv_namespaces"', '"vars": { "REGION": "eu" }, "kv_namespaces"'),
		),
		'REGION is a variable and a required secret',
	],
	'a binding whose name is no variable': [
		added('"r2_buckets": [{ "binding": "my-bucket", "bucket_name": "notes" }],'),
		'the name of a binding must be one of a variable; found my-bucket',
	],
	'a bucket with capitals': [
		added('"r2_buckets": [{ "binding": "B", "bucket_name": "My_Bucket" }],'),
		'found My_Bucket',
	],
	'a database with a name as its id': [
		added(
			'"d1_databases": [{ "binding": "DB", "database_name": "notes", "database_id": "notes" }],',
		),
		'the database_id of a D1 database must be a UUID; found notes',
	],
	'route and routes': [
		added(
			'"dev": { "host": "localhost" }, "route": "a.example.com/*", "routes": ["b.example.com/*"],',
		),
		'there are "route" and "routes"',
	],
	'a wildcard in the middle of a route': [
		added('"dev": { "host": "localhost" }, "routes": ["example.com/*/mcp*"],'),
		'found example.com/*/mcp*',
	],
	'a route with a port': [
		added('"dev": { "host": "localhost" }, "routes": ["example.com:8787/mcp*"],'),
		'a route has no port',
	],
	'an environment with the objects of the top level': [
		added(
			'"env": { "production": { "kv_namespaces": [{ "binding": "TMCP_SESSION_INFO" }], "durable_objects": { "bindings": [{ "name": "TMCP_DURABLE_OBJECT", "class_name": "SyncLayer", "script_name": "notes" }] }, "secrets": { "required": ["TMCP_SESSION_KEYS"] } } },',
		),
		'the environment production uses the objects of notes, the top level',
	],
	'a class of another Worker with a migration': [
		inConfig('"class_name": "SyncLayer" }', '"class_name": "SyncLayer", "script_name": "other" }'),
		'SyncLayer is of the Worker other, and a migration creates it here, too',
	],
	'a batch that is too large': [
		added('"queues": { "consumers": [{ "queue": "jobs", "max_batch_size": 500 }] },'),
		'"max_batch_size" must be from 1 to 100; found 500',
	],
	'a queue that is its own dead letter queue': [
		added('"queues": { "consumers": [{ "queue": "jobs", "dead_letter_queue": "jobs" }] },'),
		'the queue jobs is its own dead letter queue',
	],
	'a consumer without a method': [
		added('"queues": { "consumers": [{ "queue": "jobs" }] },'),
		'the Worker consumes a queue, and its default export has no queue',
	],
	'a cron expression with six parts': [
		all(
			added('"triggers": { "crons": ["0 */5 * * * *"] },'),
			exporting('export default { fetch: mcp.fetch, scheduled() {} };'),
		),
		'a cron expression has five parts',
	],
	'a cron trigger without a method': [
		added('"triggers": { "crons": ["*/5 * * * *"] },'),
		'"crons" call scheduled, which the default export does not have',
	],
	'assets that contain the source': [
		added('"assets": { "directory": "./" },'),
		'"assets.directory" is ./: it publishes the source and .dev.vars',
	],
	'assets in a folder that does not exist': [
		added('"assets": { "directory": "./public" },'),
		'the folder of "assets.directory", ./public, does not exist',
	],
};

const correct: Readonly<Record<string, Change>> = {
	'every other field': all(
		exporting('export default { fetch: mcp.fetch, scheduled() {}, queue() {} };'),
		added(
			'"observability": { "enabled": true, "head_sampling_rate": 0.5 }, "limits": { "cpu_ms": 30000 }, "placement": { "mode": "smart" }, "triggers": { "crons": ["*/5 * * * *", "0 9 * * MON-FRI"] }, "queues": { "producers": [{ "binding": "JOBS", "queue": "jobs" }], "consumers": [{ "queue": "jobs", "max_batch_size": 10 }] }, "d1_databases": [{ "binding": "DB", "database_name": "notes", "database_id": "0f0e0d0c-0b0a-0908-0706-050403020100" }], "r2_buckets": [{ "binding": "B", "bucket_name": "my-notes" }], "workers_dev": true, "upload_source_maps": true,',
		),
	),
	'an environment': production('"name": "notes-live"'),
	'routes of a zone': added(
		'"dev": { "host": "localhost" }, "routes": [{ "pattern": "*.example.com/mcp*", "zone_name": "example.com" }],',
	),
	'a class of another Worker': all(
		inConfig('"class_name": "SyncLayer" }', '"class_name": "SyncLayer", "script_name": "other" }'),
		inConfig('"migrations": [{ "tag": "v1", "new_sqlite_classes": ["SyncLayer"] }],', ''),
		change(
			'src/index.ts',
			"export { SyncLayer } from '@tmcp-sessions/streams-durable-object';",
			'',
		),
	),
};

describe('doctor, on deployments', () => {
	testMistakes(mistakes, correct);
});
