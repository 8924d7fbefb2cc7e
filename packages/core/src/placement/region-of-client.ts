import type { Region } from './shards.ts';

/** What Cloudflare says of where a client is (`request.cf`); all of it may be missing. */
export interface ClientLocation {
	/** Two letters. */
	readonly continent?: unknown;
	/** ISO 3166-1 alpha 2; `T1` for Tor. */
	readonly country?: unknown;
	/** Degrees, as text; west is negative. */
	readonly longitude?: unknown;
}

/** Where most of a continent is served best. Antarctica has no line: nobody knows where its cable ends. */
const BY_CONTINENT: Readonly<Record<string, Region>> = {
	// The south and the east of it; the north is below.
	AF: 'afr',
	// The south of it, as India; the rest is below.
	AS: 'apac',
	// The west of it; the east is below.
	EU: 'weur',
	// The east: more people live there, and the cables of Central America and the Caribbean end in Florida.
	NA: 'enam',
	OC: 'oc',
	SA: 'sam',
};

const BY_COUNTRY: ReadonlyMap<string, Region> = new Map([
	// East of Berlin and Vienna, by land lines to Warsaw, Budapest or Sofia.
	...countries('eeur', 'AL BA BG BY CY EE GR HR HU LT LV MD ME MK PL RO RS RU SI SK UA XK'),
	// Counted to Asia, and connected by Sofia and across the Black Sea.
	...countries('eeur', 'AM AZ GE TR'),
	// Counted to Asia, and connected by lines through Russia.
	...countries('eeur', 'KG KZ TJ TM UZ'),
	// Cables across the Mediterranean, and none through the desert.
	...countries('weur', 'DZ EG LY MA TN'),
	// Around the Gulf and the Levant.
	...countries('me', 'AE BH IL IQ IR JO KW LB OM PS QA SA SY YE'),
	// Around Japan.
	...countries('apac-ne', 'CN HK JP KP KR MN MO TW'),
	// Around Singapore.
	...countries('apac-se', 'BN ID KH LA MM MY PH SG TH TL VN'),
]);

/** Between Denver and Dallas: the lines of either side lead to its own coast. */
const WEST_OF_NORTH_AMERICA = -100;

/** The region that stands nearest to a client; `undefined` where nobody knows where it is. */
export function regionOfClient(location: ClientLocation): Region | undefined {
	const { continent, country, longitude } = location;
	const ofCountry = typeof country === 'string' ? BY_COUNTRY.get(country) : undefined;
	if (ofCountry) return ofCountry;
	if (typeof continent !== 'string' || !Object.hasOwn(BY_CONTINENT, continent)) return undefined;
	// Only North America is as wide as that and has one country on both coasts.
	const isWest = Number.parseFloat(String(longitude)) < WEST_OF_NORTH_AMERICA;
	return continent === 'NA' && isWest ? 'wnam' : BY_CONTINENT[continent];
}

function countries(region: Region, codes: string): [string, Region][] {
	return codes.split(' ').map((code) => [code, region]);
}
