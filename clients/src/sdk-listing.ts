import type { Kind, Listing } from './client-adapter.ts';

interface Page {
	readonly nextCursor?: string | undefined;
}
type Params = { cursor: string } | undefined;

/** The methods that the clients of the official SDKs share. */
export interface SdkLister {
	listTools(params: Params): Promise<Page & { tools: { name: string }[] }>;
	listResources(params: Params): Promise<Page & { resources: { uri: string }[] }>;
	listResourceTemplates(
		params: Params,
	): Promise<Page & { resourceTemplates: { uriTemplate: string }[] }>;
	listPrompts(params: Params): Promise<Page & { prompts: { name: string }[] }>;
}

/** Lists all pages of these kinds with a client of an official SDK. */
export async function listWithSdk(client: SdkLister, kinds: readonly Kind[]): Promise<Listing> {
	const listers: Record<Kind, (params: Params) => Promise<Page & { names: string[] }>> = {
		async tools(params) {
			const page = await client.listTools(params);
			return { ...page, names: page.tools.map(({ name }) => name) };
		},
		async resources(params) {
			const page = await client.listResources(params);
			return { ...page, names: page.resources.map(({ uri }) => uri) };
		},
		async templates(params) {
			const page = await client.listResourceTemplates(params);
			return { ...page, names: page.resourceTemplates.map(({ uriTemplate }) => uriTemplate) };
		},
		async prompts(params) {
			const page = await client.listPrompts(params);
			return { ...page, names: page.prompts.map(({ name }) => name) };
		},
	};
	const listing: Listing = {};
	for (const kind of kinds) {
		const names: string[] = [];
		let cursor: string | undefined;
		do {
			const page = await listers[kind](cursor === undefined ? undefined : { cursor });
			names.push(...page.names);
			cursor = page.nextCursor;
		} while (cursor !== undefined);
		listing[kind] = names;
	}
	return listing;
}
