import { probe, ProbeError } from '@tmcp-sessions/cli';
import { DurableObject } from 'cloudflare:workers';

const STATUS = 'status';

/** Probes one server from one region, and remembers what it found. */
export class RegionalProbe extends DurableObject {
	/** Returns a line for the webhook if the status has changed since the last probe. */
	async probe(server: string, region: string): Promise<string | undefined> {
		const status = await statusOf(server);
		const last = await this.ctx.storage.get<string>(STATUS);
		if (status === (last ?? 'passed')) return undefined;
		await this.ctx.storage.put(STATUS, status);
		return `${server} from ${region}: ${status}`;
	}
}

/** Returns `passed`, or what is wrong. Without times, which differ each time. */
async function statusOf(server: string): Promise<string> {
	try {
		const { results } = await probe(server, { latencySamples: 5, streamMs: 1_000 });
		const failed = results.filter(({ status }) => status === 'failed');
		return failed.length === 0
			? 'passed'
			: `failed: ${failed.map(({ check }) => check).join(', ')}`;
	} catch (error) {
		if (error instanceof ProbeError) return `not reachable: ${error.code}`;
		throw error;
	}
}
