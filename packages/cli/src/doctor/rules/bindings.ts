import type { BindingKind } from '@tmcp-sessions/core/backend';
import { SESSION_OBJECT_KIND } from '@tmcp-sessions/core/internal';

import { declaredBindings, environmentsOf } from '../declared-bindings.ts';
import type { DeclaredBinding } from '../declared-bindings.ts';
import { MANAGER_CLASSES } from '../manager-classes.ts';
import type { Problem, Repair } from '../problem.ts';
import type { Project } from '../project.ts';
import type { ConfigPath } from '../read-config.ts';
import type { Construction, Place } from '../read-entry.ts';

/** A binding that the code uses. */
interface Used {
	readonly kind: BindingKind;
	readonly name: string;
	readonly user: string;
	readonly place: Place;
}

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
			const repair = found ? undefined : repairOf(use, root, config.list(...root, ...listOf(use)));
			yield {
				rule: 'bindings',
				severity: 'error',
				file: config.file,
				line: config.lineOf(...(found?.path ?? root)),
				message:
					`${use.user} (${use.place.file}:${use.place.line}) needs the binding ${use.name}${where}: ` +
					`${problem}${environment === '' ? '' : '. Environments inherit no bindings'}`,
				fix: `add to ${config.file}:\n${use.kind.wranglerLines(use.name)}`,
				...(repair && { repair }),
			};
		}
	}
}

function usedBindings(constructions: readonly Construction[]): Used[] {
	const used = constructions.flatMap(({ argument, className, place }): Used[] => {
		const { kind, option = 'binding' } = MANAGER_CLASSES[className] ?? {};
		const name = kind && bindingName(argument, option, kind);
		return kind && name !== undefined ? [{ kind, name, user: className, place }] : [];
	});
	// Managers share bindings.
	return [...new Map(used.map((use) => [use.name, use])).values()];
}

/** Returns the name of the binding, or `undefined` if the code computes it. */
function bindingName(
	argument: Construction['argument'],
	option: string,
	{ defaultName }: BindingKind,
): string | undefined {
	if (argument === undefined) return defaultName;
	if (argument === 'computed') return undefined;
	if ('text' in argument) return argument.text;
	const [found, name] =
		new RegExp(String.raw`\b${option}(?::\s*"([^"]+)")?`).exec(argument.object) ?? [];
	return found === undefined ? defaultName : name;
}

/** With `chooseSessions`, one of the info managers is used in each environment. */
function requiredOf(
	used: readonly Used[],
	declared: readonly DeclaredBinding[],
	code: string,
): readonly Used[] {
	if (!/\bchooseSessions\(/.test(code)) return used;
	const isOfInfo = ({ user }: Used): boolean => MANAGER_CLASSES[user]?.role === 'info';
	const isThere = (use: Used): boolean =>
		problemOf(
			use,
			declared.find(({ name }) => name === use.name),
		) === undefined;
	const choices = used.filter(isOfInfo);
	const others = used.filter((use) => !isOfInfo(use));
	return choices.some(isThere) ? others : [...choices.slice(0, 1), ...others];
}

function problemOf({ kind, name }: Used, found: DeclaredBinding | undefined): string | undefined {
	if (!found) return `it must be ${kind.what}; found none`;
	if (found.kind !== kind.what) return `it must be ${kind.what}; found ${found.kind}`;
	const { className } = kind.durableObject ?? {};
	const isOther = className !== undefined && found.className !== className;
	// A class of another name may extend the required one, unless this family exports it.
	const isOfFamily = /^(?:SessionShard|SyncLayer|TaskObject)$/.test(found.className ?? '');
	return isOther && isOfFamily
		? `${name} must be a namespace of ${className}; found one of ${found.className}`
		: undefined;
}

function listOf({ kind }: Used): ConfigPath {
	return kind.durableObject ? ['durable_objects', 'bindings'] : ['kv_namespaces'];
}

/** The class of a session object is the user's: its name is not known. */
function repairOf(use: Used, root: ConfigPath, entries: readonly unknown[]): Repair | undefined {
	if (use.kind === SESSION_OBJECT_KIND) return undefined;
	const { className } = use.kind.durableObject ?? {};
	const value =
		className === undefined ? { binding: use.name } : { name: use.name, class_name: className };
	return { kind: 'edit-config', path: [...root, ...listOf(use), entries.length], value };
}
