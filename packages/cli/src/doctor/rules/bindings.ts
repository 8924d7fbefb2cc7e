import { KV_KIND, SESSION_OBJECT_KIND, TASK_WORKFLOW_KIND } from '@tmcp-sessions/core/internal';

import { constructionsIn } from '../chosen-managers.ts';
import { declaredBindings, environmentsOf } from '../declared-bindings.ts';
import type { DeclaredBinding } from '../declared-bindings.ts';
import { nearest } from '../nearest.ts';
import type { Problem, Repair } from '../problem.ts';
import type { Project } from '../project.ts';
import type { ConfigPath, WranglerConfig } from '../read-config.ts';
import { computedBindings, usedBindings } from '../used-bindings.ts';
import type { UsedBinding } from '../used-bindings.ts';
import { storageOf } from './classes.ts';

/** The classes of Durable Objects that this family exports. */
const FAMILY_CLASS = /^(?:SessionShard|SyncLayer|TaskObject)$/;

/** Compares the bindings that managers use with those of the configuration, in each environment. */
export function* checkBindingsOfConfig(project: Project): Generator<Problem> {
	const { config, entry } = project;
	yield* checkComputed(project);
	for (const { name: environment, root } of environmentsOf(config)) {
		const declared = declaredBindings(config, root);
		const chosen = constructionsIn(project, root);
		const used = usedBindings(entry, chosen ?? entry.constructions);
		const required = chosen ? used : likelyOf(used, declared);
		for (const use of required) {
			const found = declared.find(({ name }) => name === use.name);
			const where = environment === '' ? '' : ` in the environment ${environment}`;
			const problem = problemOf(use, found);
			if (problem === undefined) continue;
			const other = found ? undefined : otherName(use, used, declared, entry.code);
			const repair = found || other ? undefined : repairOf(use, root, config);
			const isOtherClass = found?.kind === use.kind.what;
			yield {
				rule: 'bindings',
				severity: 'error',
				file: config.file,
				line: config.lineOf(
					...((found ?? other)?.path ?? root),
					...(isOtherClass ? ['class_name'] : []),
				),
				message:
					`${use.user} (${use.place.file}:${use.place.line}) needs the binding ${use.name}${where}: ` +
					(other ? `it must be ${use.kind.what}; found ${other.name}` : problem) +
					(environment === '' || isOtherClass ? '' : '. Environments inherit no bindings'),
				fix: other
					? `name it ${use.name} here, or pass '${other.name}' to ${use.user} and every other manager that uses it`
					: isOtherClass
						? classFix(use, found, { used, declared, config })
						: fixOf(use, root, config, repair),
				...(repair && { repair }),
			};
		}
	}
}

/** Names the managers whose bindings this check cannot find in the configuration. */
function* checkComputed({ config, entry }: Project): Generator<Problem> {
	for (const { className, place } of computedBindings(entry)) {
		yield {
			rule: 'bindings',
			severity: 'warning',
			...place,
			message: `the binding of ${className} (${place.file}:${place.line}) could not be compared with ${config.file}: the code computes its name`,
			fix: 'write the name in the code, or as a field of a constant object; or check that every environment has the binding',
		};
	}
}

/** Says which classes to set, here and at the binding that has the right one. */
function classFix(
	{ kind }: UsedBinding,
	found: DeclaredBinding,
	{
		used,
		declared,
		config,
	}: {
		readonly used: readonly UsedBinding[];
		readonly declared: readonly DeclaredBinding[];
		readonly config: WranglerConfig;
	},
): string {
	const className = kind.durableObject?.className ?? '';
	const other = declared.find((each) => each.className === className);
	const isSwapped = used.some(
		(use) => use.name === other?.name && use.kind.durableObject?.className === found.className,
	);
	const line = other && config.lineOf(...other.path, 'class_name');
	const tag = `v${config.list('migrations').length + 1}`;
	return (
		`set "class_name": "${className}" here` +
		(other && isSwapped
			? `, and "class_name": "${found.className}" in line ${line}, at the binding ${other.name}: the two are swapped`
			: storageOf(config).has(className)
				? ''
				: `, and create the class: ${JSON.stringify({ tag, new_sqlite_classes: [className] })} in "migrations"`)
	);
}

/** If it is not known what `chooseSessions` chooses, one of the info managers is enough. */
function likelyOf(
	used: readonly UsedBinding[],
	declared: readonly DeclaredBinding[],
): readonly UsedBinding[] {
	const isThere = (use: UsedBinding): boolean =>
		problemOf(
			use,
			declared.find(({ name }) => name === use.name),
		) === undefined;
	const choices = used.filter(({ isOfInfo }) => isOfInfo);
	const others = used.filter(({ isOfInfo }) => !isOfInfo);
	return choices.some(isThere) ? others : [...choices.slice(0, 1), ...others];
}

function problemOf(
	{ kind, name }: UsedBinding,
	found: DeclaredBinding | undefined,
): string | undefined {
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
	{ kind, name: needed }: UsedBinding,
	used: readonly UsedBinding[],
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
	use: UsedBinding,
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
function listOf({ kind }: UsedBinding): ConfigPath | undefined {
	if (kind.durableObject) return ['durable_objects', 'bindings'];
	if (kind === KV_KIND) return ['kv_namespaces'];
	return kind === TASK_WORKFLOW_KIND ? ['workflows'] : undefined;
}

/** The class of a session object is the user's: its name is not known. Queues and buckets have to be created. */
function repairOf(use: UsedBinding, root: ConfigPath, config: WranglerConfig): Repair | undefined {
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
