import { chooseSessions } from '@tmcp-sessions/core';

import { createKey } from '../../keys/create-key.ts';
import { declaredBindings, environmentsOf } from '../declared-bindings.ts';
import { createsHandler, managerOf } from '../manager-classes.ts';
import { handlersOf, lastOptions, optionsOfObject } from '../handler-options.ts';
import type { Options } from '../handler-options.ts';
import { loadInstalled } from '../installed-packages.ts';
import { literalFields, literalOf } from '../literals.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import type { Construction, Place } from '../read-entry.ts';
import { fieldsOf, methodOf } from '../syntax.ts';
import { valuesOf } from '../values.ts';
import { extensionsOf, settingsOf } from './session-objects.ts';

/** Functions that only check and store their options. */
const CHECKS_ALONE = new Set(['createRequestStateCodec', 'createLegacySse', 'createTokenSeal']);
/** The classes that take a binding first, and then options. */
const TAKES_BINDING =
	/^(?:KV|DurableObject)(?:InfoSessionManager|SessionStore|StreamSessionManager|SubscriptionManager)$/;
const HTTP = '@tmcp-sessions/http/internal';
const SESSION_OBJECT = '@tmcp-sessions/session-object/internal';
const UNKNOWN_NAME = /has no option|is now called/;

type Check = (...args: readonly unknown[]) => unknown;

/** Returns a function of an installed module, or `undefined`. */
function installedCheck(folder: string, specifier: string, name: string): Check | undefined {
	const found = loadInstalled(folder, specifier)?.[name];
	// Safe because every argument is unknown, and what it returns is not used.
	return typeof found === 'function' ? (found as Check) : undefined;
}

/** Checks the options that the code writes with the functions that the packages themselves use. */
export function* checkOptionValues(project: Project): Generator<Problem> {
	for (const construction of project.entry.constructions) {
		if (!construction.packageName.startsWith('@tmcp-sessions/')) continue;
		yield* checkFirstArgument(construction);
		yield* checkConstruction(project, construction);
	}
	yield* checkKeyLists(project);
	yield* checkHandlerValues(project);
	yield* checkSettingNames(project);
	yield* checkChoices(project);
}

function problem(place: Place, message: string, fix: string): Problem {
	return { rule: 'options', severity: 'error', ...place, message, fix };
}

function* checkFirstArgument({ args, className, place }: Construction): Generator<Problem> {
	if (!TAKES_BINDING.test(className) || args[0]?.type !== 'ObjectExpression') return;
	yield problem(
		place,
		`the first argument of ${className} is the binding, or its name; got options, which are the second one`,
		`write new ${className}(undefined, { … }) for the default binding`,
	);
}

/** Checks names of options by all classes and functions, and values by those that do nothing else. */
function* checkConstruction(project: Project, construction: Construction): Generator<Problem> {
	const { className, isFromEnv, place, specifier } = construction;
	const isHandler = createsHandler(construction);
	const isClass =
		construction.node.type === 'NewExpression' && managerOf(construction) !== undefined;
	const isState = className === 'sessionState';
	if (isFromEnv || (!isHandler && !isClass && !isState && !CHECKS_ALONE.has(className))) return;
	const exported = loadInstalled(project.folder, specifier)?.[className];
	if (typeof exported !== 'function') return;
	// Safe because the call decides what it gets: a class is constructed.
	const callable = exported as Check & (new (...args: readonly unknown[]) => unknown);
	const call: Check = (...args) => (isClass ? new callable(...args) : callable(...args));
	const message = isHandler
		? nameMistake(project, construction, call)
		: valueMistake(project, construction, call);
	if (message !== undefined) yield problem(place, message, 'correct the option');
}

/** Creates no handler: without a server, the names of options are checked, and nothing else. */
function nameMistake(
	{ entry }: Project,
	construction: Construction,
	call: Check,
): string | undefined {
	const { fields } = lastOptions(entry.syntax, construction);
	const isRouter = construction.className === 'createSessionRouter';
	const names = Object.fromEntries([...fields.keys()].map((name) => [name, true]));
	// A router without an object is not created.
	const found = isRouter
		? mistakeOf(() => call({ ...names, sse: null, path: '?', tasks: null }))
		: mistakeOf(() => call(undefined, names));
	return found !== undefined && UNKNOWN_NAME.test(found) ? found : undefined;
}

function valueMistake(
	{ entry: { syntax } }: Project,
	{ className, node }: Construction,
	call: Check,
): string | undefined {
	const key = createKey();
	const given = node.arguments.map((each) => {
		const [only, another] = valuesOf(syntax, each);
		if (only?.type !== 'ObjectExpression' || another) return literalOf(syntax, each)?.value;
		return onlyFields(optionsOfObject(syntax, only), syntax, key);
	});
	const args = className === 'sessionState' ? [STATE_SOURCE, {}, given[2]] : given;
	const found = mistakeOf(() => call(...args));
	if (found === undefined || UNKNOWN_NAME.test(found)) return found;
	// What is computed may be missing here.
	const without = args.map((each) =>
		typeof each === 'object' && each !== null && each !== STATE_SOURCE
			? withoutLiterals(each)
			: each,
	);
	return mistakeOf(() => call(...without)) === found ? undefined : found;
}

const STATE_SOURCE = {
	openState: () => ({ capabilities: { maxBytes: 1_000_000, isAtomic: true, canExtend: true } }),
};

/** Marks values that the code computes. */
const COMPUTED = (): undefined => undefined;

function onlyFields(
	{ fields }: Options,
	syntax: Project['entry']['syntax'],
	key: string,
): Readonly<Record<string, unknown>> {
	const literals = literalFields(syntax, fields);
	const others = [...fields.keys()].filter((name) => !Object.hasOwn(literals, name));
	const standIns = others.map((name) => [name, name === 'keys' ? [key] : COMPUTED] as const);
	return { ...Object.fromEntries(standIns), ...literals };
}

function withoutLiterals(options: object): Readonly<Record<string, unknown>> {
	const kept = Object.entries(options).filter(
		([name, value]: readonly [string, unknown]) =>
			value === COMPUTED || name === 'keys' || name === 'tools',
	);
	return Object.fromEntries(
		kept.map(([name, value]: readonly [string, unknown]) => [name, name === 'tools' ? {} : value]),
	);
}

/** Returns the message of a configuration error, without the name of the package. */
function mistakeOf(run: () => unknown): string | undefined {
	try {
		run();
		return undefined;
	} catch (error) {
		const { code, message } = Object(error) as { code?: unknown; message?: unknown };
		if (code !== 'configuration' || typeof message !== 'string') return undefined;
		return message.replace(/^\[[^\]]*\] /, '');
	}
}

/** Checks the values of handlers with what creates their validated options. */
function* checkHandlerValues({ entry, folder }: Project): Generator<Problem> {
	const handlers = handlersOf(entry);
	if (handlers.length === 0) return;
	const resolve = installedCheck(folder, HTTP, 'resolveOptions');
	const pathOf = installedCheck(folder, HTTP, 'endpointPath');
	if (!resolve || !pathOf) return;
	for (const { construction, options } of handlers) {
		const literals = literalFields(entry.syntax, options.fields);
		const { endpoint, oauth: _oauth, path, principal: _principal, ...values } = literals;
		const checks: (() => unknown)[] = [
			...Object.entries(values).map(
				([name, value]) =>
					() =>
						resolve({ [name]: value }),
			),
			...(path === undefined || path === null ? [] : [() => pathOf('path', path)]),
			...(endpoint === undefined ? [] : [() => pathOf('endpoint', endpoint)]),
		];
		for (const check of checks) {
			const message = mistakeOf(check);
			// The rule of endpoints reports it, with the route.
			if (message === undefined || message.startsWith('path must be a path')) continue;
			yield problem(
				construction.place,
				`${construction.className}: ${message}`,
				'correct the option, or leave it out for its default',
			);
		}
	}
	yield* checkHosts(entry);
}

/** Checks that keys are a list: a variable is one text. */
function* checkKeyLists({ entry }: Project): Generator<Problem> {
	for (const { construction, options } of handlersOf(entry)) {
		const keys = options.fields.get('sessionKeys');
		const isOfEnvironment =
			keys?.type === 'MemberExpression' &&
			/\benv$/.test(entry.code.slice(keys.object.start, keys.object.end));
		if (!keys || !isOfEnvironment) continue;
		const shown = entry.code.slice(keys.start, keys.end);
		yield problem(
			construction.place,
			`sessionKeys must be a list of texts; got ${shown}`,
			`write [${shown}]`,
		);
	}
}

/** Checks what is a host by its form, and never that of a request. */
function* checkHosts(entry: Project['entry']): Generator<Problem> {
	for (const { construction, options } of handlersOf(entry)) {
		const { allowedHosts } = literalFields(entry.syntax, options.fields);
		if (!Array.isArray(allowedHosts)) continue;
		for (const host of allowedHosts) {
			if (typeof host !== 'string' || !host.includes('*')) continue;
			yield problem(
				construction.place,
				`allowedHosts has no wildcards; got ${host}: every request gets a 403`,
				'name each host, or write allowedHosts: true behind a proxy that checks hosts',
			);
		}
	}
}

function* checkSettingNames({ entry, folder }: Project): Generator<Problem> {
	const extensions = extensionsOf(entry).filter(({ base }) => base === 'SessionObject');
	if (extensions.length === 0) return;
	const check = installedCheck(folder, SESSION_OBJECT, 'checkSettingNames');
	const resolve = installedCheck(folder, HTTP, 'resolveOptions');
	if (!check || !resolve) return;
	for (const extension of extensions) {
		const settings = settingsOf(entry, extension);
		if (!settings) continue;
		const {
			lifetime,
			context: _context,
			...literals
		} = literalFields(entry.syntax, settings.fields);
		const names = Object.fromEntries([...settings.fields.keys()].map((name) => [name, COMPUTED]));
		const found = [
			mistakeOf(() => check({ ...names, lifetime })),
			mistakeOf(() => resolve(literals)),
		].find((each) => each !== undefined);
		if (found === undefined) continue;
		const member = extension.node.body.body.find(
			(each) => 'key' in each && each.key.type === 'Identifier' && each.key.name === 'settings',
		);
		yield problem(
			entry.placeAt(member ?? extension.node),
			`${extension.name}: ${found}`,
			'correct the setting',
		);
	}
}

/** Checks the variable that selects managers, in each environment. */
function* checkChoices({ config, entry }: Project): Generator<Problem> {
	for (const { args, className, node } of entry.constructions) {
		const [setting] = node.arguments;
		const [, available] = args;
		if (className !== 'chooseSessions' || available?.type !== 'ObjectExpression') continue;
		const roles = [...fieldsOf(available)].map(([role, managers]) => [
			role,
			managers.type === 'ObjectExpression'
				? Object.fromEntries([...fieldsOf(managers).keys()].map((name) => [name, COMPUTED]))
				: {},
		]);
		const variable =
			setting?.type === 'MemberExpression' && setting.property.type === 'Identifier'
				? setting.property.name
				: undefined;
		if (variable === undefined || methodOf(node) !== undefined) continue;
		for (const { name: environment, root } of environmentsOf(config)) {
			if (root.length === 0 && declaredBindings(config).length === 0) continue;
			const value = config.get(...root, 'vars', variable);
			// A secret of the same name may have the value.
			if (typeof value !== 'string') continue;
			// Safe because the roles above have functions that create nothing.
			const roleFunctions = Object.fromEntries(roles) as Record<
				string,
				Record<string, () => unknown>
			>;
			const message = mistakeOf(() => chooseSessions(value, roleFunctions));
			if (message === undefined) continue;
			const where = environment === '' ? '' : ` of the environment ${environment}`;
			yield problem(
				{ file: config.file, line: config.lineOf(...root, 'vars', variable) },
				`${variable}${where}: ${message}`,
				'write a role and one of its managers for each',
			);
		}
	}
}
