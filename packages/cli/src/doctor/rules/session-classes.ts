import type { AnyNode } from 'acorn';

import { declaredBindings, environmentsOf } from '../declared-bindings.ts';
import { handlersOf, lastOptions } from '../handler-options.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import type { Entry } from '../read-entry.ts';
import { fieldName, importedBy, literalText, methodOf } from '../syntax.ts';
import { valuesOf } from '../values.ts';
import { extensionsOf, settingsOf } from './session-objects.ts';

const SYNC_LAYER = 'TMCP_DURABLE_OBJECT';

/** Checks the classes of session objects: what they extend, create and publish through. */
export function* checkSessionClasses(project: Project): Generator<Problem> {
	yield* checkBoundClasses(project);
	yield* checkServers(project.entry);
	yield* checkPublishing(project);
}

/** Checks that the binding of a router is that of a class that extends SessionObject. */
function* checkBoundClasses({ config, entry }: Project): Generator<Problem> {
	const extending = new Set(extensionsOf(entry).map(({ name }) => name));
	const seen = new Set<string>();
	for (const { construction, options } of handlersOf(entry)) {
		if (construction.className !== 'createSessionRouter') continue;
		const binding = textOf(entry, options.fields.get('object'));
		for (const { root } of environmentsOf(config)) {
			const found = declaredBindings(config, root).find(({ name }) => name === binding);
			const { className, scriptName } = found ?? {};
			if (className === undefined || scriptName !== undefined || seen.has(className)) continue;
			seen.add(className);
			const node = classOf(entry, className);
			if (!node || extending.has(className) || isOfOtherPackage(entry, node)) continue;
			yield {
				rule: 'classes',
				severity: 'error',
				...entry.placeAt(node),
				message: `createSessionRouter forwards requests to ${className}, which does not extend SessionObject`,
				fix: `write class ${className} extends SessionObject, of '@tmcp-sessions/session-object'`,
			};
		}
	}
}

type ClassNode = Extract<AnyNode, { type: 'ClassDeclaration' | 'ClassExpression' }>;

function classOf({ syntax }: Entry, exported: string): ClassNode | undefined {
	const local = syntax.exports.get(exported);
	const declared = typeof local === 'string' ? syntax.declarations.get(local) : undefined;
	const isClass = declared?.type === 'ClassDeclaration' || declared?.type === 'ClassExpression';
	return isClass ? declared : undefined;
}

/** Whether a class extends one of a package that is not of the platform. */
function isOfOtherPackage(entry: Entry, { superClass }: ClassNode): boolean {
	if (!superClass) return false;
	const imported = importedBy(entry.syntax, superClass);
	if (imported) return !imported.packageName.startsWith('cloudflare:');
	const [value] = valuesOf(entry.syntax, superClass);
	const isClass = value?.type === 'ClassDeclaration' || value?.type === 'ClassExpression';
	return isClass ? isOfOtherPackage(entry, value) : value?.type !== 'Identifier';
}

/** Checks that each class creates its server. */
function* checkServers(entry: Entry): Generator<Problem> {
	for (const { base, name, node } of extensionsOf(entry)) {
		// A class that others extend may leave it to them.
		const isImported = node.superClass && importedBy(entry.syntax, node.superClass);
		const isExported = [...entry.syntax.exports.values()].includes(name);
		const members = node.body.body.map((each) => fieldName(each));
		if (base !== 'SessionObject' || !isImported || !isExported) continue;
		if (members.includes('createServer')) continue;
		yield {
			rule: 'classes',
			severity: 'error',
			...entry.placeAt(node),
			message: `${name} has no createServer: its sessions have no server`,
			fix: 'write createServer(session) { return … }, which returns a McpServer with its tools',
		};
	}
}

/** Checks that what publishes changes names a bound SyncLayer. */
function* checkPublishing({ config, entry }: Project): Generator<Problem> {
	for (const extension of extensionsOf(entry)) {
		if (extension.base !== 'SessionObject') continue;
		const settings = settingsOf(entry, extension);
		const publishes = entry.syntax.nodes.find(
			(node) =>
				methodOf(node) === 'publish' &&
				extension.node.start <= node.start &&
				node.end <= extension.node.end,
		);
		if (publishes && settings?.isComplete && !settings.fields.has('syncLayer')) {
			yield {
				rule: 'session-object',
				severity: 'error',
				...entry.placeAt(publishes),
				message: `${extension.name} publishes changes, and its settings have no syncLayer: they reach no other object`,
				fix: `set syncLayer: '${SYNC_LAYER}' in the settings, and bind SyncLayer`,
			};
		}
		const binding = textOf(entry, settings?.fields.get('syncLayer'));
		if (binding !== undefined)
			yield* checkSyncLayer(config, binding, entry.placeAt(extension.node), extension.name);
	}
	for (const construction of entry.constructions) {
		if (construction.className !== 'publishChange') continue;
		const { fields, isComplete } = lastOptions(entry.syntax, construction);
		const isDefault = construction.args.length < 2 || (isComplete && !fields.has('syncLayer'));
		const binding = isDefault ? SYNC_LAYER : textOf(entry, fields.get('syncLayer'));
		if (binding !== undefined)
			yield* checkSyncLayer(config, binding, construction.place, 'publishChange');
	}
}

function* checkSyncLayer(
	config: Project['config'],
	binding: string,
	place: Pick<Problem, 'file' | 'line'>,
	user: string,
): Generator<Problem> {
	for (const { name: environment, root } of environmentsOf(config)) {
		const found = declaredBindings(config, root).find(({ name }) => name === binding);
		if (found?.kind === 'a Durable Object namespace') continue;
		const where = environment === '' ? '' : ` in the environment ${environment}`;
		yield {
			rule: 'bindings',
			severity: 'error',
			...place,
			message: `${user} needs the binding ${binding}${where}: it must be a Durable Object namespace of SyncLayer; found ${found?.kind ?? 'none'}`,
			fix:
				`add { "name": "${binding}", "class_name": "SyncLayer" } to "durable_objects.bindings", SyncLayer to ` +
				`"new_sqlite_classes" of a new migration, and export { SyncLayer } from '@tmcp-sessions/session-object'`,
		};
	}
}

function textOf({ syntax }: Entry, value: AnyNode | undefined): string | undefined {
	return value && literalText(valuesOf(syntax, value)[0]);
}
