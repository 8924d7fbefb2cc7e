/** The pages in reading order. `path` is the page without `.md`; an empty list of pages is filled at build. */
export interface Section {
	readonly title: string;
	readonly pages: readonly string[];
	/** Folded until the reader opens it. */
	readonly isFolded?: boolean;
}

/** The sections of the sidebar. The build fails if a page is in none. */
export const sections: readonly Section[] = [
	{
		title: 'Start',
		pages: ['start', 'connect', 'authentication', 'choosing', 'troubleshooting', 'messages'],
	},
	{
		title: 'Guides',
		pages: [
			'http-options',
			'state',
			'tasks',
			'tasks-qstash',
			'session-object',
			'legacy-sse',
			'telemetry',
			'cli',
			'migration',
		],
	},
	{
		title: 'Run it',
		pages: ['operations', 'scaling', 'support', 'security'],
	},
	{
		title: 'Judge it',
		pages: ['guarantees', 'clients', 'comparison', 'benchmarks'],
	},
	{ title: 'Packages', pages: ['packages/*'], isFolded: true },
	{ title: 'API reference', pages: ['api/*'], isFolded: true },
	{
		title: 'Work on it',
		pages: [
			'glossary',
			'architecture',
			'architecture/*',
			'new-backend',
			'upstream',
			'contributing',
		],
		isFolded: true,
	},
];
