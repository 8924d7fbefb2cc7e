import type { BindingKind } from '@tmcp-sessions/core/backend';
import { KV_KIND, SESSION_OBJECT_KIND, TASK_WORKFLOW_KIND } from '@tmcp-sessions/core/internal';

import { declaredBindings, environmentsOf } from '../declared-bindings.ts';
import type { DeclaredBinding } from '../declared-bindings.ts';
import { managerOf } from '../manager-classes.ts';
import type { NeededBinding } from '../manager-classes.ts';
import { nearest } from '../nearest.ts';
import type { Problem, Repair } from '../problem.ts';
import type { Project } from '../project.ts';
import type { ConfigPath, WranglerConfig } from '../read-config.ts';
import type { Construction, Place } from '../read-entry.ts';
import { fieldsOf, literalText } from '../syntax.ts';
import { storageOf } from './classes.ts';

/** A binding that the code uses. */
interface Used {
	readonly kind: BindingKind;
	readonly name: string;
	readonly user: string;
	readonly isOfInfo: boolean;
	readonly place: Place;
}

/** The classes of Durable Objects that this family exports. */
const FAMILY_CLASS = /^(?:SessionShard|SyncLayer|TaskObject)$/;

/** Compares the bindings that managers use with those of the configuration, in each environment. */
export function* checkBindingsOfConfig({ config, entry }: Project): Generator<Problem> {
	const used = usedBindings(entry.constructions);
	for (const { name: environment, root } of environmentsOf(config)) {
		const declared = declaredBindings(config, root);
		for (const use of requiredOf(used, declared, entry.code)) {
			const found = declared.find(({ name }) => name === use.name);
			const where = environment === '' ? '' : ` in the environment ${environment}`;
			const problem = problemOf(use, found);
			if (problem === undefined) continue;
			const other = found ? undefined : otherName(use, used, declared, entry.code);
			const repair = found || other ? undefined : repairOf(use, root, config);
			yield {
				rule: 'bindings',
				severity: 'error',
				file: config.file,
				line: config.lineOf(...((found ?? other)?.path ?? root)),
				message:
					`${use.user} (${use.place.file}:${use.place.line}) needs the binding ${use.name}${where}: ` +
					(other ? `it must be ${use.kind.what}; found ${other.name}` : problem) +
					(environment === '' ? '' : '. Environments inherit no bindings'),
				fix: other
					? `name it ${use.name} here, or pass '${other.name}' to ${use.user} and every other manager that uses it`
					: fixOf(use, root, config, repair),
				...(repair && { repair }),
			};
		}
	}
}

function usedBindings(constructions: readonly Construction[]): Used[] {
	const used = constructions.flatMap((construction): Used[] => {
		const manager = managerOf(construction);
		const { className: user, place } = construction;
		return (manager?.bindings ?? []).flatMap((needed) => {
			const name = bindingName(construction, needed);
			return name === undefined
				? []
				: { kind: needed.kind, name, user, isOfInfo: manager?.role === 'info', place };
		});
	});
	// Managers share bindings.
	const byKind = new Map(
		used.map((use) => [`${use.name} ${use.kind.packageName} ${use.kind.what}`, use]),
	);
	return [...byKind.values()];
}

/** Returns the name of the binding, or `undefined` if the code computes it or needs none. */
function bindingName(
	{ args: [first] }: Construction,
	{ isOptional, kind, option = 'binding', unless }: NeededBinding,
): string | undefined {
	const byDefault = isOptional ? undefined : kind.defaultName;
	if (first === undefined || first.type === 'UnaryExpression') return byDefault;
	if (first.type !== 'ObjectExpression') return unless ? undefined : literalText(first);
	const fields = fieldsOf(first);
	if (unless !== undefined) return fields.has(unless) ? undefined : byDefault;
	return fields.has(option) ? literalText(fields.get(option)) : byDefault;
}

/** With `chooseSessions`, one of the info managers is used in each environment. */
function requiredOf(
	used: readonly Used[],
	declared: readonly DeclaredBinding[],
	code: string,
): readonly Used[] {
	if (!/\bchooseSessions\(/.test(code)) return used;
	const isThere = (use: Used): boolean =>
		problemOf(
			use,
			declared.find(({ name }) => name === use.name),
		) === undefined;
	const choices = used.filter(({ isOfInfo }) => isOfInfo);
	const others = used.filter(({ isOfInfo }) => !isOfInfo);
	return choices.some(isThere) ? others : [...choices.slice(0, 1), ...others];
}

function problemOf({ kind, name }: Used, found: DeclaredBinding | undefined): string | undefined {
	if (!found) return `it must be ${kind.what}; found none`;
	if (found.kind !== kind.what) return `it must be ${kind.what}; found ${found.kind}`;
	const { className } = kind.durableObject ?? {};
	const isOther = className !== undefined && found.className !== className;
	// A class of another name may extend the required one, unless this family exports it.
	const isOfFamily = FAMILY_CLASS.test(found.className ?? '');
	return isOther && isOfFamily
		? `${name} must be a namespace of ${className}; found one of ${found.className}`
		: undefined;
}

/** Returns a binding of the same kind that nothing uses, and that was probably meant. */
function otherName(
	{ kind, name: needed }: Used,
	used: readonly Used[],
	declared: readonly DeclaredBinding[],
	code: string,
): DeclaredBinding | undefined {
	const unused = declared.filter(
		({ kind: found, name }) =>
			found === kind.what &&
			!used.some((use) => use.name === name) &&
			!new RegExp(String.raw`\b${name}\b`).test(code.replaceAll(`class ${name} `, '')),
	);
	const className = kind.durableObject?.className;
	const ofClass = unused.filter((each) =>
		kind === SESSION_OBJECT_KIND
			? !FAMILY_CLASS.test(each.className ?? '')
			: className === undefined || each.className === className,
	);
	const similar = nearest(
		needed,
		ofClass.map(({ name }) => name),
	);
	const byName = ofClass.find(({ name }) => name === similar);
	return byName ?? (ofClass.length === 1 ? ofClass[0] : undefined);
}

/** Returns the lines to add: the binding alone if its class exists already. */
function fixOf(
	use: Used,
	root: ConfigPath,
	config: WranglerConfig,
	repair: Repair | undefined,
): string {
	const { className } = use.kind.durableObject ?? {};
	const isCreated = className === undefined || storageOf(config).has(className);
	if (repair?.kind === 'edit-config' && isCreated) {
		return `add to "${repair.path.slice(0, -1).join('.')}" in ${config.file}: ${JSON.stringify(repair.value)}`;
	}
	const where = root.length === 0 ? '' : `"${root.join('.')}" in `;
	return `add to ${where}${config.file}:\n${use.kind.wranglerLines(use.name)}`;
}

/** Returns the list of the binding, if it can be added by itself. */
function listOf({ kind }: Used): ConfigPath | undefined {
	if (kind.durableObject) return ['durable_objects', 'bindings'];
	if (kind === KV_KIND) return ['kv_namespaces'];
	return kind === TASK_WORKFLOW_KIND ? ['workflows'] : undefined;
}

/** The class of a session object is the user's: its name is not known. Queues and buckets have to be created. */
function repairOf(use: Used, root: ConfigPath, config: WranglerConfig): Repair | undefined {
	const list = listOf(use);
	if (use.kind === SESSION_OBJECT_KIND || list === undefined) return undefined;
	const { className } = use.kind.durableObject ?? {};
	const workflow = { name: 'tmcp-tasks', binding: use.name, class_name: 'TaskWorkflow' };
	const value =
		use.kind === TASK_WORKFLOW_KIND
			? workflow
			: className === undefined
				? { binding: use.name }
				: { name: use.name, class_name: className };
	const path = [...root, ...list];
	return { kind: 'edit-config', path: [...path, config.list(...path).length], value };
}
