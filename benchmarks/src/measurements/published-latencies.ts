/** Location hints for which Durable Objects are created in that region. Other hints lead to one of these. */
export type ObjectRegion = 'wnam' | 'enam' | 'weur' | 'eeur' | 'apac' | 'oc';

/** A place with clients and a Worker near them. */
export interface Place {
	readonly continent: string;
	/** The region in which the object of a client here is created. */
	readonly nearest: ObjectRegion;
	/** Round trips from here to each region, in milliseconds. */
	readonly roundTripMs: Readonly<Record<ObjectRegion, number>>;
}

/** The sources of the figures in `places`. */
export const latencySources = {
	between: {
		title: 'Azure network round-trip latency statistics',
		url: 'https://learn.microsoft.com/en-us/azure/networking/azure-network-latency',
		description:
			'95th percentile of 30 days up to 30 July 2026, between the Azure regions West US, East US, West Europe, Poland Central, Southeast Asia, Australia East, Brazil South and South Africa North',
	},
	within: {
		title: 'Where Durable Objects Live',
		url: 'https://where.durableobjects.live/api/v3/data.json',
		description:
			'mean of five minutes on 4 January 2026, of the first request to a new object with a location hint, from the data centers LAX, IAD, LHR, WAW, SIN, SYD, GRU and JNB',
	},
} as const;

/** Round trips within a place's own region are from the second source, all others from the first. */
export const places: Readonly<Record<string, Place>> = {
	'USA, west': {
		continent: 'North America',
		nearest: 'wnam',
		roundTripMs: { wnam: 28, enam: 72, weur: 151, eeur: 167, apac: 172, oc: 142 },
	},
	'USA, east': {
		continent: 'North America',
		nearest: 'enam',
		roundTripMs: { wnam: 74, enam: 30, weur: 89, eeur: 104, apac: 229, oc: 207 },
	},
	Brazil: {
		continent: 'South America',
		nearest: 'enam',
		roundTripMs: { wnam: 170, enam: 94, weur: 191, eeur: 211, apac: 337, oc: 298 },
	},
	'Western Europe': {
		continent: 'Europe',
		nearest: 'weur',
		roundTripMs: { wnam: 153, enam: 91, weur: 20, eeur: 28, apac: 182, oc: 282 },
	},
	Poland: {
		continent: 'Europe',
		nearest: 'eeur',
		roundTripMs: { wnam: 168, enam: 112, weur: 28, eeur: 30, apac: 201, oc: 300 },
	},
	'South Africa': {
		continent: 'Africa',
		nearest: 'weur',
		roundTripMs: { wnam: 278, enam: 225, weur: 103, eeur: 198, apac: 211, oc: 348 },
	},
	Singapore: {
		continent: 'Asia',
		nearest: 'apac',
		roundTripMs: { wnam: 171, enam: 229, weur: 181, eeur: 202, apac: 12, oc: 98 },
	},
	Australia: {
		continent: 'Oceania',
		nearest: 'oc',
		roundTripMs: { wnam: 141, enam: 206, weur: 282, eeur: 300, apac: 98, oc: 28 },
	},
};
