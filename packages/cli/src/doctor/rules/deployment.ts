import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

import { declaredBindings, environmentsOf, textOf } from '../declared-bindings.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import type { ConfigPath, WranglerConfig } from '../read-config.ts';
import { fieldsOf, hasSpread } from '../syntax.ts';
import { valuesOf } from '../values.ts';

const MAX_CPU_MS = 300_000;
const NAME = /^[a-z\d_][a-z\d_-]*$/;
const BUCKET = /^[a-z\d](?:[a-z\d-]{1,61}[a-z\d])$/;
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

type At = (
	path: ConfigPath,
	message: string,
	fix: string,
	severity?: Problem['severity'],
) => Problem;

/** Checks what a deployment of the configuration would reject, or replace. */
export function* checkDeployment(project: Project): Generator<Problem> {
	const { config } = project;
	const at: At = (path, message, fix, severity = 'error') => ({
		rule: 'deployment',
		severity,
		file: config.file,
		line: config.lineOf(...path),
		message,
		fix,
	});
	yield* checkWorkerNames(config, at);
	const host = config.get('dev', 'host');
	if (typeof host === 'string' && /[/\s]/.test(host)) {
		yield at(['dev', 'host'], `"dev.host" must be a host; found ${host}`, 'write "localhost"');
	}
	for (const { name, root } of environmentsOf(config)) {
		yield* checkBindingNames(config, root, at);
		yield* checkResources(config, root, at);
		yield* checkRoutes(config, root, at);
		yield* checkOtherScripts(config, name, root, at);
		yield* checkLimits(config, root, at);
		yield* checkTriggers(project, root, at);
		yield* checkAssets(project, root, at);
	}
}

function* checkWorkerNames(config: WranglerConfig, at: At): Generator<Problem> {
	const name = config.get('name');
	if (name === undefined) {
		yield at([], '"name" is missing: wrangler does not know which Worker to deploy', 'add "name"');
	} else if (typeof name === 'string' && (!NAME.test(name) || name.length > 63)) {
		yield at(
			['name'],
			`the name of a Worker has at most 63 lowercase letters, digits, dashes and underscores; found ${name}`,
			`write "${name
				.toLowerCase()
				.replaceAll(/[^\w-]+/g, '-')
				.slice(0, 63)}"`,
		);
	}
	const names = new Map<unknown, string>([[name, 'the top level']]);
	for (const { name: environment, root } of environmentsOf(config)) {
		const own = textOf(config.get(...root), 'name');
		if (root.length === 0 || own === undefined) continue;
		const other = names.get(own);
		if (other !== undefined) {
			yield at(
				[...root, 'name'],
				`the environment ${environment} has the name of ${other}, ${own}: each deployment replaces the other`,
				`remove it: wrangler then deploys ${String(name)}-${environment}`,
			);
		}
		names.set(own, `the environment ${environment}`);
	}
}

function* checkBindingNames(config: WranglerConfig, root: ConfigPath, at: At): Generator<Problem> {
	const seen = new Set<string>();
	const required = config.list(...root, 'secrets', 'required');
	for (const { kind, name, path } of declaredBindings(config, root)) {
		if (seen.has(name)) {
			yield at(path, `two bindings have the name ${name}`, 'give one of them another name');
		}
		seen.add(name);
		if (required.includes(name)) {
			yield at(
				path,
				`${name} is ${kind} and a required secret: wrangler rejects two bindings of one name`,
				'remove it here, or from "secrets.required"',
			);
		}
		if (!/^[A-Za-z_$][\w$]*$/.test(name)) {
			const fix = 'use letters, digits and underscores';
			yield at(path, `the name of a binding must be one of a variable; found ${name}`, fix);
		}
	}
}

function* checkResources(config: WranglerConfig, root: ConfigPath, at: At): Generator<Problem> {
	for (const [index, entry] of config.list(...root, 'r2_buckets').entries()) {
		const name = textOf(entry, 'bucket_name');
		if (name === undefined || BUCKET.test(name)) continue;
		const message = `the name of a bucket has 3 to 63 lowercase letters, digits and dashes; found ${name}`;
		yield at([...root, 'r2_buckets', index], message, 'correct "bucket_name"');
	}
	for (const [index, entry] of config.list(...root, 'd1_databases').entries()) {
		const id = textOf(entry, 'database_id');
		if (id === undefined || UUID.test(id)) continue;
		const message = `the database_id of a D1 database must be a UUID; found ${id}`;
		const fix =
			'copy it from npx wrangler d1 list, or leave it out: the first deployment creates the database';
		yield at([...root, 'd1_databases', index], message, fix);
	}
	const objects = declaredBindings(config, root).filter(
		({ kind }) => kind === 'a Durable Object namespace',
	);
	for (const { className, kind, path } of declaredBindings(config, root)) {
		if (kind !== 'a Workflow' || !objects.some((each) => each.className === className)) continue;
		const message = `the class ${className} is bound as a Workflow and as a Durable Object`;
		yield at(path, message, 'name the class of the Workflow, such as TaskWorkflow');
	}
	const workflows = config.list(...root, 'workflows').map((each) => textOf(each, 'name'));
	const index = workflows.findIndex(
		(name, place) => name !== undefined && workflows.indexOf(name) < place,
	);
	if (index !== -1) {
		const message = `two Workflows have the name ${workflows[index]}`;
		yield at([...root, 'workflows', index], message, 'give one of them another name');
	}
}

function* checkRoutes(config: WranglerConfig, root: ConfigPath, at: At): Generator<Problem> {
	const [single, listed] = [config.get(...root, 'route'), config.get(...root, 'routes')];
	if (single !== undefined && listed !== undefined) {
		yield at([...root, 'route'], 'there are "route" and "routes"', 'move the route to "routes"');
	}
	for (const [index, entry] of config.list(...root, 'routes').entries()) {
		const pattern = typeof entry === 'string' ? entry : textOf(entry, 'pattern');
		if (pattern === undefined) continue;
		const path = [...root, 'routes', index];
		const [host = '', ...rest] = pattern.replace(/^https?:\/\//, '').split('/');
		const ofPath = rest.join('/');
		if (/\?/.test(pattern) || /\*./.test(ofPath) || /.\*/.test(host.replace(/^\*/, ''))) {
			const message = `a route may have a * at the beginning of its host and at its end; found ${pattern}`;
			yield at(path, message, 'write a pattern such as mcp.example.com/*');
		} else if (/:\d+$/.test(host)) {
			yield at(path, `a route has no port; found ${pattern}`, `write ${host.replace(/:\d+$/, '')}`);
		}
	}
}

/** Checks the bindings to Durable Objects of another Worker. */
function* checkOtherScripts(
	config: WranglerConfig,
	environment: string,
	root: ConfigPath,
	at: At,
): Generator<Problem> {
	const top = config.get('name');
	const own =
		config.get(...root, 'name') ?? (environment === '' ? top : `${String(top)}-${environment}`);
	for (const { className, kind, path, scriptName } of declaredBindings(config, root)) {
		if (scriptName === undefined || kind !== 'a Durable Object namespace') continue;
		if (environment !== '' && scriptName === top && own !== top) {
			yield at(
				path,
				`the environment ${environment} uses the objects of ${scriptName}, the top level: both share their sessions`,
				'remove "script_name"',
				'warning',
			);
		}
		const creates = [...config.list('migrations').keys()].some((index) =>
			['new_classes', 'new_sqlite_classes'].some((field) =>
				config.list('migrations', index, field).includes(className),
			),
		);
		if (scriptName !== own && scriptName !== top && creates) {
			yield at(
				path,
				`${className} is of the Worker ${scriptName}, and a migration creates it here, too`,
				'remove "script_name", or the class from "migrations"',
			);
		}
	}
}

function* checkLimits(config: WranglerConfig, root: ConfigPath, at: At): Generator<Problem> {
	const cpuMs = config.get(...root, 'limits', 'cpu_ms');
	if (typeof cpuMs === 'number' && (cpuMs < 1 || cpuMs > MAX_CPU_MS)) {
		const message = `"limits.cpu_ms" must be from 1 to ${MAX_CPU_MS}; found ${cpuMs}`;
		yield at([...root, 'limits', 'cpu_ms'], message, `write ${MAX_CPU_MS}, or less`);
	}
	const path = [...root, 'queues', 'consumers'];
	const ranges = [
		['max_batch_size', 1, 100],
		['max_batch_timeout', 0, 60],
		['max_retries', 0, 100],
		['max_concurrency', 1, 250],
	] as const;
	for (const index of config.list(...path).keys()) {
		for (const [field, least, most] of ranges) {
			const value = config.get(...path, index, field);
			if (typeof value !== 'number' || (value >= least && value <= most)) continue;
			const message = `"${field}" must be from ${least} to ${most}; found ${value}`;
			yield at([...path, index, field], message, 'correct the number');
		}
		const queue = textOf(config.get(...path, index), 'queue');
		if (queue !== undefined && queue === config.get(...path, index, 'dead_letter_queue')) {
			const message = `the queue ${queue} is its own dead letter queue`;
			yield at([...path, index], message, 'name another queue, and make the Worker its consumer');
		}
	}
}

const CRON = /^(?:[\d*/,\-?]+|L|LW|[\d*/,\-?A-Za-z#]+)$/;

/** Checks that the default export handles what triggers call. */
function* checkTriggers({ config, entry }: Project, root: ConfigPath, at: At): Generator<Problem> {
	const crons = config.list(...root, 'triggers', 'crons');
	for (const [index, cron] of crons.entries()) {
		const parts = typeof cron === 'string' ? cron.trim().split(/\s+/) : [];
		if (typeof cron !== 'string' || (parts.length === 5 && parts.every((part) => CRON.test(part))))
			continue;
		const message = `a cron expression has five parts, from minutes to weekdays; found "${cron}"`;
		yield at([...root, 'triggers', 'crons', index], message, 'write one such as "*/5 * * * *"');
	}
	const methods = methodsOfDefault(entry);
	if (crons.length > 0 && methods && !methods.has('scheduled')) {
		const fix = 'write export default { fetch: handler.fetch, scheduled() { … } }';
		yield at(
			[...root, 'triggers', 'crons'],
			'"crons" call scheduled, which the default export does not have',
			fix,
		);
	}
	const consumers = config
		.list(...root, 'queues', 'consumers')
		.filter((each) => textOf(each, 'type') !== 'http_pull');
	const hasTasks = entry.constructions.some(({ className }) => className === 'QueueTasks');
	if (consumers.length > 0 && methods && !methods.has('queue') && !hasTasks) {
		const fix = 'write export default { fetch: handler.fetch, queue(batch) { … } }';
		yield at(
			[...root, 'queues', 'consumers'],
			'the Worker consumes a queue, and its default export has no queue',
			fix,
		);
	}
}

/** Returns the methods of the default export, or `undefined` if the code computes them. */
function methodsOfDefault({
	constructions,
	syntax,
}: Project['entry']): ReadonlySet<string> | undefined {
	const exported = syntax.exports.get('default');
	const declared = typeof exported === 'string' ? syntax.declarations.get(exported) : undefined;
	const [value, another] = declared ? valuesOf(syntax, declared) : [];
	if (!value || another) return undefined;
	if (value.type === 'ObjectExpression') {
		return hasSpread(value) ? undefined : new Set(fieldsOf(value).keys());
	}
	const isHandler = constructions.some(
		({ className, node }) => node === value && /^create\w+(?:Handler|Router)$/.test(className),
	);
	return isHandler ? new Set(['fetch']) : undefined;
}

function* checkAssets({ config, folder }: Project, root: ConfigPath, at: At): Generator<Problem> {
	const directory = config.get(...root, 'assets', 'directory');
	if (typeof directory !== 'string') return;
	const path = [...root, 'assets', 'directory'];
	const inside = relative(resolve(folder, directory), folder);
	if (!inside.startsWith('..')) {
		const message = `"assets.directory" is ${directory}: it publishes the source and .dev.vars`;
		yield at(path, message, 'put what is public into a separate folder, such as ./public');
	} else if (!existsSync(join(folder, directory))) {
		const message = `the folder of "assets.directory", ${directory}, does not exist`;
		yield at(path, message, 'create it, or correct the path', 'warning');
	}
}
