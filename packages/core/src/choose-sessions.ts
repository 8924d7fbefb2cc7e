import { TmcpSessionsError } from './errors.ts';

/** For each role the managers on offer, by name. None is made before it is chosen. */
type ManagersByRole = Readonly<Record<string, Readonly<Record<string, () => unknown>>>>;

/** One name of the offer for each role. */
type ManagerNames<Offered extends ManagersByRole> = {
	readonly [Role in keyof Offered]: keyof Offered[Role] & string;
};

/** What was chosen for each role. */
export type ChosenSessions<Offered extends ManagersByRole> = {
	readonly [Role in keyof Offered]: ReturnType<Offered[Role][keyof Offered[Role]]>;
};

/**
 * The managers that a deployment's variable names, so that one bundle runs with Workers KV here and
 * a Durable Object there. Call it at module scope: a wrong name fails at the start.
 *
 *     const sessions = chooseSessions(env.MCP_SESSIONS, {        // "streams=durable-object info=kv"
 *       streams: { 'durable-object': () => new DurableObjectStreamSessionManager() },
 *       info: { kv: () => new KVInfoSessionManager(), 'durable-object': () => … },
 *     });
 *
 * @param setting `role=name` for each role, between spaces or commas; or an object with the same. A
 * role with one manager on offer may be left out.
 * @throws {TmcpSessionsError} `configuration`, where a role is left out, repeated or unknown, or a
 * name is not on offer: with the names that are.
 */
export function chooseSessions<const Offered extends ManagersByRole>(
	setting: string | Partial<ManagerNames<Offered>> | undefined,
	offer: Offered,
): ChosenSessions<Offered> {
	const named = typeof setting === 'object' ? new Map(entriesOf(setting)) : parse(setting ?? '');
	for (const role of named.keys()) {
		if (!Object.hasOwn(offer, role)) throw refusal(`${role} is no role`, offer);
	}
	const chosen = Object.entries(offer).map(([role, managers]) => {
		const names = Object.keys(managers);
		const name = named.get(role) ?? (names.length === 1 ? names[0] : undefined);
		if (name === undefined) throw refusal(`${role} is missing`, offer);
		const make = Object.hasOwn(managers, name) ? managers[name] : undefined;
		if (!make) throw refusal(`${role}=${name}`, offer);
		return [role, make()] as const;
	});
	// Sound: one entry for each role of the offer, made by one of its own managers.
	return Object.fromEntries(chosen) as ChosenSessions<Offered>;
}

function entriesOf(setting: Readonly<Record<string, string | undefined>>): [string, string][] {
	return Object.entries(setting).flatMap(([role, name]) =>
		name === undefined ? [] : [[role, name] satisfies [string, string]],
	);
}

function parse(setting: string): Map<string, string> {
	const named = new Map<string, string>();
	for (const part of setting.split(/[\s,]+/).filter((text) => text !== '')) {
		const [role = '', name = ''] = part.split('=', 2);
		named.set(role, named.has(role) ? `${named.get(role)} and ${name}` : name);
	}
	return named;
}

function refusal(found: string, offer: ManagersByRole): TmcpSessionsError {
	const roles = Object.entries(offer).map(
		([role, managers]) => `${role}=${Object.keys(managers).join('|')}`,
	);
	return new TmcpSessionsError(
		'configuration',
		'core',
		`the choice of sessions should be "${roles.join(' ')}"; found ${found}. ` +
			'Set it in the vars of this deployment.',
	);
}
