import { RegionalProbe } from './regional-probe.ts';

export { RegionalProbe };

/** The bindings of wrangler.jsonc. */
interface Env {
	readonly PROBE: DurableObjectNamespace<RegionalProbe>;
	/** The addresses of the servers, separated by spaces. */
	readonly SERVERS: string;
	readonly WEBHOOK_URL: string;
}

/** An object is created near its region, and the requests of its probe come from there. */
const REGIONS = ['wnam', 'enam', 'weur', 'apac'] as const;

export default {
	/** Probes every server from every region, and posts what has changed. */
	async scheduled(_controller, env): Promise<void> {
		const servers = env.SERVERS.split(/\s+/).filter(Boolean);
		const probes = servers.flatMap((server) =>
			REGIONS.map((region) =>
				env.PROBE.getByName(`${region} ${server}`, { locationHint: region }).probe(server, region),
			),
		);
		const outcomes = await Promise.allSettled(probes);
		const changes = outcomes.flatMap((outcome) =>
			outcome.status === 'fulfilled' ? (outcome.value ?? []) : `a probe failed: ${outcome.reason}`,
		);
		if (changes.length === 0) return;
		const response = await fetch(env.WEBHOOK_URL, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ text: changes.join('\n') }),
		});
		if (!response.ok) throw new Error(`the webhook answered ${response.status}`);
	},
} satisfies ExportedHandler<Env>;
