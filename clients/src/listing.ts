import { kinds, titleOf } from './client-adapter.ts';
import type { Kind, Listing } from './client-adapter.ts';
import { inspector, inspectorStateless } from './clients/inspector.ts';
import { sdk1 } from './clients/sdk-1.ts';
import { sdk2, sdk2Stateless } from './clients/sdk-2.ts';

/** What a server lists, by kind. Without a kind that the server does not offer. */
export type { Listing } from './client-adapter.ts';

/** Options of `listWithOfficialClients`. */
export interface ListingOptions {
	/** Headers of every request, such as a token. */
	readonly headers?: Readonly<Record<string, string>>;
	/** The era that the server serves. Default: both. */
	readonly era?: 'session-based' | 'stateless';
	/** Whether the command line of the Inspector lists too, which takes a second for each kind. Default true. */
	readonly inspector?: boolean;
}

/**
 * Lists tools, resources, templates and prompts with the official clients of both eras and the command
 * line of the MCP Inspector. Resolves with the listing of each client by its name.
 *
 * @param expected what the server should list: only its kinds are asked for.
 */
export async function listWithOfficialClients(
	url: URL,
	expected: Listing,
	options: ListingOptions = {},
): Promise<Record<string, Listing>> {
	const commands = options.inspector === false ? [] : [inspector, inspectorStateless];
	const clients = [sdk1, sdk2, sdk2Stateless, ...commands];
	const asked = kinds.filter((kind: Kind) => expected[kind] !== undefined);
	const listings: Record<string, Listing> = {};
	for (const adapter of clients) {
		if (options.era !== undefined && adapter.era !== options.era) continue;
		const client = await adapter.connect(url, { headers: options.headers ?? {} });
		try {
			listings[titleOf(adapter)] = await client.list(asked);
		} finally {
			await client.end();
		}
	}
	return listings;
}
