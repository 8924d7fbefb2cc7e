import type { Region } from './shards.ts';

/** Where Cloudflare locates a client (`request.cf`). All fields may be missing. */
export interface ClientLocation {
	/** Two letters. */
	readonly continent?: unknown;
	/** ISO 3166-1 alpha 2; `T1` for Tor. */
	readonly country?: unknown;
	/** Degrees, as text; west is negative. */
	readonly longitude?: unknown;
}

/**
 * The nearest region for most of a continent, by submarine and land cables. Antarctica is missing
 * because where its traffic lands is unknown.
 */
const BY_CONTINENT: Readonly<Record<string, Region>> = {
	// Southern and eastern Africa; for the north see BY_COUNTRY.
	AF: 'afr',
	// Southern Asia, such as India; for the rest see BY_COUNTRY.
	AS: 'apac',
	// Western Europe; for the east see BY_COUNTRY.
	EU: 'weur',
	// The east: it has more people, and the cables of Central America and the Caribbean land in Florida.
	NA: 'enam',
	OC: 'oc',
	SA: 'sam',
};

const BY_COUNTRY: ReadonlyMap<string, Region> = new Map([
	// East of Berlin and Vienna: land lines to Warsaw, Budapest or Sofia.
	...countries('eeur', 'AL BA BG BY CY EE GR HR HU LT LV MD ME MK PL RO RS RU SI SK UA XK'),
	// In Asia for Cloudflare; connected through Sofia and across the Black Sea.
	...countries('eeur', 'AM AZ GE TR'),
	// In Asia for Cloudflare; connected by lines through Russia.
	...countries('eeur', 'KG KZ TJ TM UZ'),
	// Connected by cables across the Mediterranean, not through the Sahara.
	...countries('weur', 'DZ EG LY MA TN'),
	// The Gulf and the Levant.
	...countries('me', 'AE BH IL IQ IR JO KW LB OM PS QA SA SY YE'),
	// Around Japan.
	...countries('apac-ne', 'CN HK JP KP KR MN MO TW'),
	// Around Singapore.
	...countries('apac-se', 'BN ID KH LA MM MY PH SG TH TL VN'),
]);

/** Between Denver and Dallas: networks on either side connect to the nearer coast. */
const WEST_OF_NORTH_AMERICA = -100;

/** Returns the region that is nearest to a client, or `undefined` if its location is unknown. */
export function regionOfClient(location: ClientLocation): Region | undefined {
	const { continent, country, longitude } = location;
	const ofCountry = typeof country === 'string' ? BY_COUNTRY.get(country) : undefined;
	if (ofCountry) return ofCountry;
	if (typeof continent !== 'string' || !Object.hasOwn(BY_CONTINENT, continent)) return undefined;
	// Only in North America do single countries reach from coast to coast.
	const isWest = Number.parseFloat(String(longitude)) < WEST_OF_NORTH_AMERICA;
	return continent === 'NA' && isWest ? 'wnam' : BY_CONTINENT[continent];
}

function countries(region: Region, codes: string): [string, Region][] {
	return codes.split(' ').map((code) => [code, region]);
}
