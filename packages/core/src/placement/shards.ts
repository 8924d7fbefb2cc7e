import { TmcpSessionsError } from '../errors.ts';

/**
 * Where in the world a Durable Object can be asked to stand: the location hints of Cloudflare.
 * https://developers.cloudflare.com/durable-objects/reference/data-location/
 */
export const REGIONS = [
	'wnam',
	'enam',
	'sam',
	'weur',
	'eeur',
	'apac',
	'apac-ne',
	'apac-se',
	'oc',
	'afr',
	'me',
] as const;

/** A location hint for Durable Objects. */
export type Region = (typeof REGIONS)[number];

/** How many shards a region has at most: labels come back from clients, so there is an end to them. */
export const MAX_SHARDS = 256;

/** The shard of everything that names none. It keeps the list of the others. */
export const ROOT_SHARD = '0';

const REGION = REGIONS.join('|');
const INDEX = '(?:\\d|[1-9]\\d|1\\d\\d|2[0-4]\\d|25[0-5])';

/** What a shard can be called, as a regular expression that captures nothing. */
export const SHARD_LABEL: string = `(?:${REGION})?${INDEX}`;

const SHARD = new RegExp(`^(${REGION})?${INDEX}$`);
const SHARD_OF_ID = new RegExp(`^\\d+\\.(${SHARD_LABEL})\\.`);

/**
 * What a shard is called: its region, where it has one, and its number there. `weur3`, `0`.
 *
 * @param index from 0 to 255.
 * @throws {TmcpSessionsError} `configuration`, where region or index are none.
 */
export function shardLabel(region: Region | undefined, index: number): string {
	const label = `${region ?? ''}${index}`;
	if (isShardLabel(label)) return label;
	throw new TmcpSessionsError(
		'configuration',
		'core',
		`a shard has one of the regions ${REGIONS.join(', ')} or none, and a whole number from 0 to ` +
			`${MAX_SHARDS - 1}; found ${label}`,
	);
}

/** Whether this is what some shard is called. */
export function isShardLabel(label: string): boolean {
	return SHARD.test(label);
}

/** The region of a shard; `undefined` where it has none. */
export function regionOfShard(label: string): Region | undefined {
	return REGIONS.find((region) => region === SHARD.exec(label)?.[1]);
}

/**
 * The shard that a session lives in for all its life: its id names it, in the field behind the
 * version. An id that was made elsewhere names none, and lives in the root.
 *
 * @param id as it is, or URI encoded.
 */
export function shardOfSession(id: string): string {
	return SHARD_OF_ID.exec(id)?.[1] ?? ROOT_SHARD;
}
