import { environmentsOf } from '../declared-bindings.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import type { ConfigPath, WranglerConfig } from '../read-config.ts';
import { placeOf } from '../read-entry.ts';
import type { Entry, Place } from '../read-entry.ts';
import { fieldName } from '../syntax.ts';

/** A variable, secret or binding that the code reads. */
interface UsedVariable {
	readonly name: string;
	readonly place: Place;
	/** What reads it, if it is not the code of the project. */
	readonly reader?: string;
	/** What to add, if it is known to be a binding. */
	readonly fix?: string;
}

/** `checkKeys` reports it. */
const SESSION_KEYS = 'TMCP_SESSION_KEYS';
const AUTH_KEYS = 'TMCP_AUTH_KEYS';
const UPSTASH = ['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN'];

/** Checks that the configuration declares the variables that the code reads, in each environment. */
export function* checkVariables({ config, entry, readFile }: Project): Generator<Problem> {
	const everywhere = new Set(declaredNames(config.get()));
	const environments = environmentsOf(config);
	// wrangler ignores lines of .dev.vars that "secrets.required" does not name.
	const shown = ['.dev.vars', '.dev.vars.example'].map((path) => readFile(path) ?? '').join('\n');
	const isIn = (text: string, name: string): boolean =>
		new RegExp(`^\\s*${name}\\s*=`, 'm').test(text);
	const isListed = (root: ConfigPath): boolean =>
		[[], root].some((path) => config.get(...path, 'secrets', 'required') !== undefined);
	for (const { name, place, reader = 'the code', fix } of usedVariables(entry)) {
		const missing = environments.filter(
			({ root }) =>
				!declaredNames(environmentAt(config, root)).includes(name) &&
				(isListed(root) || !isIn(shown, name)),
		);
		const isNowhere = !everywhere.has(name);
		// One problem is enough if no environment has it.
		for (const { name: environment, root } of isNowhere ? missing.slice(0, 1) : missing) {
			const where = isNowhere || environment === '' ? '' : ` in the environment ${environment}`;
			// wrangler dev then leaves it undefined, although the file has it.
			const isIgnored = isListed(root) && isIn(readFile('.dev.vars') ?? '', name);
			yield {
				rule: 'variables',
				severity: isIgnored ? 'error' : 'warning',
				...(isNowhere ? place : { file: config.file, line: config.lineOf(...root) }),
				message:
					`${reader} reads ${name}, which ${config.file} does not declare${where}: it is undefined in the Worker` +
					(isIgnored ? '; wrangler ignores its line in .dev.vars' : '') +
					(where === '' ? '' : '. Environments inherit no variables, secrets and bindings'),
				fix:
					fix ??
					`add ${name} to "secrets": { "required": […] }, and its value to .dev.vars; ` +
						'or to "vars" if it is no secret',
			};
		}
	}
}

/** Returns the fields of an environment, without those of the others. */
function environmentAt(config: WranglerConfig, root: ConfigPath): unknown {
	if (root.length > 0) return config.get(...root);
	return { ...Object(config.get()), env: undefined } as object;
}

function usedVariables(entry: Entry): UsedVariable[] {
	const { code, constructions, packages, sources } = entry;
	const names = [
		...[...code.matchAll(/\benv\d*(?:\.|\[["'])([A-Z][A-Z\d_]*)\b/g)].map(([, name = '']) => name),
		...destructuredNames(entry),
	];
	const read = names.map((name) => ({
		name,
		place: placeOf(new RegExp(String.raw`(?:\benv(?:\.|\[['"])|[{,]\s*)${name}\b`), sources),
	}));
	const upstash = constructions.filter(
		({ className, isFromEnv }) => className === 'UpstashInfoSessionManager' && isFromEnv,
	);
	const tokens = /\.auth\s*\.(?:set|get)\(/;
	const needsAuthKeys =
		packages.includes('@tmcp-sessions/session-object') &&
		tokens.test(code) &&
		!/\bauthKeys\b/.test(code);
	const providers = constructions.filter(({ className }) => className === 'OAuthProvider');
	const used: readonly UsedVariable[] = [
		...read,
		...providers.map(({ place }) => ({
			name: 'OAUTH_KV',
			place,
			reader: 'OAuthProvider',
			fix: 'add { "binding": "OAUTH_KV" } to "kv_namespaces"',
		})),
		...upstash.flatMap(({ place }) => UPSTASH.map((name) => ({ name, place }))),
		...(needsAuthKeys ? [{ name: AUTH_KEYS, place: placeOf(tokens, sources) }] : []),
	];
	const byName = new Map(used.map((each) => [each.name, each]));
	byName.delete(SESSION_KEYS);
	// The provider puts its helpers there.
	if (packages.includes('@cloudflare/workers-oauth-provider')) byName.delete('OAUTH_PROVIDER');
	return [...byName.values()];
}

/** Returns the names of `const { NAME } = env`. */
function destructuredNames({ code, syntax }: Entry): readonly string[] {
	return syntax.nodes.flatMap((node) => {
		if (node.type !== 'VariableDeclarator' || node.id.type !== 'ObjectPattern' || !node.init) {
			return [];
		}
		if (!/\benv\d*$/.test(code.slice(node.init.start, node.init.end))) return [];
		return node.id.properties.flatMap((each) => {
			const name = fieldName(each) ?? '';
			return /^[A-Z][A-Z\d_]*$/.test(name) ? [name] : [];
		});
	});
}

/** Returns the names of all bindings, variables and secrets, in all environments. */
function declaredNames(value: unknown): string[] {
	if (Array.isArray(value)) return value.flatMap(declaredNames);
	if (typeof value !== 'object' || value === null) return [];
	return Object.entries(value).flatMap(([key, member]: [string, unknown]): string[] => {
		if (typeof member === 'string') return key === 'binding' || key === 'name' ? [member] : [];
		if (key === 'vars') return Object.keys(Object(member) as object);
		if (key === 'required' && Array.isArray(member)) return member.map(String);
		return declaredNames(member);
	});
}
