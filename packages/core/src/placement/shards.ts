import { TmcpSessionsError } from '../errors.ts';

/**
 * The location hints of Cloudflare for Durable Objects.
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

/** The most shards of a region. Bounded because session ids of clients contain shard labels. */
export const MAX_SHARDS = 256;

/** The default shard. It also stores the list of the other shards. */
export const ROOT_SHARD = '0';

const REGION = REGIONS.join('|');
const INDEX = '(?:\\d|[1-9]\\d|1\\d\\d|2[0-4]\\d|25[0-5])';

/** Matches the label of a shard: the source of a regular expression without capture groups. */
export const SHARD_LABEL: string = `(?:${REGION})?${INDEX}`;

const SHARD = new RegExp(`^(${REGION})?${INDEX}$`);
const SHARD_OF_ID = new RegExp(`^\\d+\\.(${SHARD_LABEL})\\.`);

/**
 * Returns the label of a shard: its region, if it has one, and its index there. `weur3`, `0`.
 *
 * @param index from 0 to 255.
 * @throws {TmcpSessionsError} `configuration`, if the region or the index is invalid.
 */
export function shardLabel(region: Region | undefined, index: number): string {
	const label = `${region ?? ''}${index}`;
	if (isShardLabel(label)) return label;
	throw new TmcpSessionsError(
		'configuration',
		'core',
		`a shard label must be a region (${REGIONS.join(', ')}) or nothing, then an integer from 0 to ` +
			`${MAX_SHARDS - 1}; got ${label}`,
	);
}

/** Whether `label` is the label of a shard. */
export function isShardLabel(label: string): boolean {
	return SHARD.test(label);
}

/** Returns the region of a shard, or `undefined` if it has none. */
export function regionOfShard(label: string): Region | undefined {
	return REGIONS.find((region) => region === SHARD.exec(label)?.[1]);
}

/**
 * Returns the shard that stores a session: the field after the version in its id. A session keeps
 * its shard until it ends. Ids in another format belong to the root shard.
 *
 * @param id the session id, plain or URI encoded.
 */
export function shardOfSession(id: string): string {
	return SHARD_OF_ID.exec(id)?.[1] ?? ROOT_SHARD;
}
