import { TmcpSessionsError } from './errors.ts';

/** The available managers of each role, by name. Only the chosen one is created. */
type ManagersByRole = Readonly<Record<string, Readonly<Record<string, () => unknown>>>>;

/** The name of one available manager for each role. */
type ManagerNames<Available extends ManagersByRole> = {
	readonly [Role in keyof Available]: keyof Available[Role] & string;
};

/** The chosen manager of each role. */
export type ChosenSessions<Available extends ManagersByRole> = {
	readonly [Role in keyof Available]: ReturnType<Available[Role][keyof Available[Role]]>;
};

/**
 * Creates the managers that a variable of the deployment names, so that the same bundle runs with
 * Workers KV in one deployment and a Durable Object in another. Call it at module scope, so that a
 * wrong name fails at startup.
 *
 *     const sessions = chooseSessions(env.MCP_SESSIONS, {        // "streams=durable-object info=kv"
 *       streams: { 'durable-object': () => new DurableObjectStreamSessionManager() },
 *       info: { kv: () => new KVInfoSessionManager(), 'durable-object': () => … },
 *     });
 *
 * @param setting `role=name` for each role, separated by spaces or commas, or the same as an object.
 * A role with a single available manager may be omitted.
 * @throws {TmcpSessionsError} `configuration`, if a role is missing, repeated or unknown, or a name is
 * not available. The message lists the available names.
 */
export function chooseSessions<const Available extends ManagersByRole>(
	setting: string | Partial<ManagerNames<Available>> | undefined,
	available: Available,
): ChosenSessions<Available> {
	const nameByRole =
		typeof setting === 'object' ? new Map(definedEntries(setting)) : parse(setting ?? '');
	for (const [role, name] of nameByRole) {
		if (!Object.hasOwn(available, role)) throw unknownRole(role, name, available);
	}
	const chosen = Object.entries(available).map(([role, managers]) => {
		const names = Object.keys(managers);
		const name = nameByRole.get(role) ?? (names.length === 1 ? names[0] : undefined);
		if (name === undefined) throw invalidSetting(`no ${role}`, available);
		const create = Object.hasOwn(managers, name) ? managers[name] : undefined;
		if (!create) throw invalidSetting(`${role}=${name}`, available);
		return [role, create()] as const;
	});
	// Safe because `chosen` has one entry for each role, created by a manager of that role.
	return Object.fromEntries(chosen) as ChosenSessions<Available>;
}

/** Creates the error for an unknown role. A name alone is often that of the intended manager. */
function unknownRole(role: string, name: string, available: ManagersByRole): TmcpSessionsError {
	const intended = Object.keys(available).find((each) =>
		Object.hasOwn(available[each] ?? {}, role),
	);
	if (name !== '' || intended === undefined)
		return invalidSetting(`the unknown role ${role}`, available);
	const advice = `Did you mean ${intended}=${role}?`;
	return invalidSetting(`${role} without a role`, available, advice);
}

function definedEntries(setting: Readonly<Record<string, string | undefined>>): [string, string][] {
	return Object.entries(setting).flatMap(([role, name]) =>
		name === undefined ? [] : [[role, name] satisfies [string, string]],
	);
}

function parse(setting: string): Map<string, string> {
	const nameByRole = new Map<string, string>();
	for (const entry of setting.split(/[\s,]+/).filter((text) => text !== '')) {
		const [role = '', name = ''] = entry.split('=', 2);
		// A repeated role gets a name that no manager has, which the error quotes.
		nameByRole.set(
			role,
			nameByRole.has(role) ? `${nameByRole.get(role)} and ${role}=${name}` : name,
		);
	}
	return nameByRole;
}

function invalidSetting(
	found: string,
	available: ManagersByRole,
	advice = 'Fix it in the vars of this deployment.',
): TmcpSessionsError {
	const roles = Object.entries(available).map(
		([role, managers]) => `${role}=${Object.keys(managers).join('|')}`,
	);
	return new TmcpSessionsError(
		'configuration',
		'core',
		`the setting of chooseSessions must be "${roles.join(' ')}"; got ${found}. ${advice}`,
	);
}
