import { environmentsOf } from '../declared-bindings.ts';
import { nearest } from '../nearest.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import type { ConfigPath, WranglerConfig } from '../read-config.ts';
import { FIELDS, FIELDS_OF_ENTRIES, SHAPES, TOP_LEVEL } from '../wrangler-fields.ts';

/** Checks that fields have the names and types that wrangler reads: other rules expect them. */
export function* checkShape({ config }: Pick<Project, 'config'>): Generator<Problem> {
	for (const { field, line } of config.duplicates) {
		yield {
			rule: 'configuration',
			severity: 'error',
			file: config.file,
			line,
			message: `"${field}" is there twice: wrangler reads only the last one`,
			fix: 'join both',
		};
	}
	yield* checkNames(config, [], FIELDS);
	yield* checkLevels(config, []);
	for (const { root } of allEnvironments(config)) {
		if (root.length > 0) yield* checkNames(config, root, FIELDS);
		for (const [path, shape] of SHAPES) {
			const found = config.get(...root, ...path);
			if (found === undefined || shapeOf(found) === shape) continue;
			const field = path.join('.');
			yield problem(
				config,
				[...root, ...path],
				`"${field}" must be ${shape}; found ${shapeOf(found)}`,
				field === 'durable_objects'
					? 'write "durable_objects": { "bindings": [{ "name": "…", "class_name": "…" }] }'
					: field === 'secrets'
						? 'write "secrets": { "required": ["…"] }'
						: `write "${path.at(-1)}": ${shape === 'a list' ? '[…]' : '{ … }'}`,
			);
		}
		for (const [path, { required, others }] of FIELDS_OF_ENTRIES) {
			for (const index of config.list(...root, ...path).keys()) {
				const at = [...root, ...path, index];
				yield* checkNames(config, at, [...required, ...others]);
				for (const field of required) {
					if (config.get(...at, field) !== undefined) continue;
					const found = Object.keys(Object(config.get(...at)) as object);
					yield problem(
						config,
						at,
						`an entry of "${path.join('.')}" has no "${field}"; found ${found.join(', ') || 'nothing'}`,
						`add "${field}"`,
					);
				}
			}
		}
	}
	yield* checkPlaceholders(config, []);
}

function allEnvironments(config: WranglerConfig): readonly { readonly root: ConfigPath }[] {
	const environments = environmentsOf(config);
	return environments.some(({ root }) => root.length === 0)
		? environments
		: [{ root: [] }, ...environments];
}

function problem(config: WranglerConfig, at: ConfigPath, message: string, fix: string): Problem {
	return {
		rule: 'configuration',
		severity: 'error',
		file: config.file,
		line: config.lineOf(...at),
		message,
		fix,
	};
}

/** Checks that no field is misspelt: wrangler ignores those that it does not know. */
function* checkNames(
	config: WranglerConfig,
	at: ConfigPath,
	known: readonly string[],
): Generator<Problem> {
	for (const name of Object.keys(Object(config.get(...at)) as object)) {
		const similar = known.includes(name) ? undefined : nearest(name, known);
		if (similar === undefined) continue;
		yield problem(
			config,
			[...at, name],
			`wrangler has no field "${name}" here, and ignores it`,
			`write "${similar}"`,
		);
	}
}

/** The objects whose fields the user names, and those that have fields of the top level. */
const FREE = new Set(['alias', 'define', 'previews', 'unsafe', 'vars']);

/**
 * Checks that no field of the top level is inside of another one. In TOML, every line after the head of a
 * table belongs to this table.
 */
function* checkLevels(
	config: WranglerConfig,
	at: ConfigPath,
	top: ConfigPath = [],
): Generator<Problem> {
	const value = config.get(...at);
	if (typeof value !== 'object' || value === null) return;
	for (const key of Object.keys(value)) {
		const path = [...at, Array.isArray(value) ? Number(key) : key];
		if (at.length > top.length && !Array.isArray(value) && TOP_LEVEL.has(key)) {
			const parent = at.slice(top.length).filter((each) => typeof each === 'string');
			const level = top.length === 0 ? 'the top level' : `"${top.join('.')}"`;
			yield problem(
				config,
				path,
				`"${key}" is a field of ${level}; found it in "${parent.join('.')}", where wrangler ignores it`,
				`move it to ${level}` +
					(config.file.endsWith('.toml') ? ', above the head of the first table below it' : ''),
			);
		} else if (!FREE.has(key)) {
			const isEnvironment = at.length === 1 && at[0] === 'env';
			yield* checkLevels(config, path, isEnvironment ? path : top);
		}
	}
}

function shapeOf(value: unknown): string {
	if (Array.isArray(value)) return 'a list';
	if (value === null) return 'null';
	return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

const PLACEHOLDER = /^<[^<>]+>$|^(?:your|replace|insert)[-_ ]|^x{4,}$|^(?:\.{3}|…)$/i;

/** Checks that no value was copied from a document as it is. */
function* checkPlaceholders(config: WranglerConfig, at: ConfigPath): Generator<Problem> {
	const value = at.at(-1) === 'vars' ? undefined : config.get(...at);
	if (typeof value === 'string') {
		const isId = at.at(-1) === 'id' || at.at(-1) === 'preview_id';
		const isNamespace = isId && at.includes('kv_namespaces');
		if (PLACEHOLDER.test(value)) {
			yield problem(
				config,
				at,
				`"${at.at(-1)}" is still an example: ${value}`,
				isNamespace
					? 'leave "id" out: the first deployment creates the namespace'
					: 'set your own value',
			);
		} else if (isNamespace && !/^[\da-f]{32}$/.test(value)) {
			yield {
				...problem(
					config,
					at,
					`the ${at.at(-1)} of a KV namespace must be 32 hexadecimal digits; found ${value}: it works with wrangler dev only`,
					'leave it out: the first deployment creates the namespace. Or copy an id from npx wrangler kv namespace list',
				),
				severity: 'warning',
			};
		}
	} else if (typeof value === 'object' && value !== null) {
		for (const key of Object.keys(value)) {
			yield* checkPlaceholders(config, [...at, Array.isArray(value) ? Number(key) : key]);
		}
	}
}
