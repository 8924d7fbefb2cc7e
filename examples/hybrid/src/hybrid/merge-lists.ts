/** The items of a list, by its method. */
export const LISTS: ReadonlyMap<unknown, string> = new Map([
	['prompts/list', 'prompts'],
	['resources/list', 'resources'],
	['resources/templates/list', 'resourceTemplates'],
	['tools/list', 'tools'],
]);

type Result = Record<string, unknown>;

/** The response of a backend to a list request. */
interface Page {
	readonly response: Response;
	readonly message: { readonly error?: { readonly code?: unknown }; readonly result?: Result };
}

const METHOD_NOT_FOUND = -32601;
const ORIGIN = 'origin:';

/**
 * Answers a list request: first the pages of the edge, then those of the origin. While the origin is
 * down, the list has the items of the edge alone, since clients fetch lists when they connect. If the edge
 * has none, the list fails.
 *
 * @param key the member of a result that has the items.
 * @param isOfOrigin whether the origin answers requests for an item.
 */
export async function mergeLists(
	key: string,
	cursor: unknown,
	isOfOrigin: (item: unknown) => boolean,
	send: Readonly<Record<'edge' | 'origin', (cursor: unknown) => Promise<Response>>>,
): Promise<Response> {
	const isLater = typeof cursor === 'string' && cursor.startsWith(ORIGIN);
	const edge = isLater ? undefined : await read(await send.edge(cursor));
	const ofEdge = edge?.message.result;
	if (edge && (!isPart(edge) || ofEdge?.['nextCursor'] !== undefined)) return answer(edge);
	const origin = await read(await send.origin(isLater ? cursor.slice(ORIGIN.length) : undefined));
	const ofOrigin = origin.message.result;
	if (!ofOrigin) return answer(edge && (isPart(origin) || itemsOf(ofEdge, key)[0]) ? edge : origin);
	const { nextCursor, ...result } = ofOrigin;
	return answer(edge && ofEdge ? edge : origin, {
		// Also the hints of 2026-07-28 on caching: the list of the origin changes more often.
		...ofEdge,
		...result,
		[key]: [
			...itemsOf(ofEdge, key).filter((item) => !isOfOrigin(item)),
			...itemsOf(ofOrigin, key).filter(isOfOrigin),
		],
		...(typeof nextCursor === 'string' && { nextCursor: ORIGIN + nextCursor }),
	});
}

async function read(response: Response): Promise<Page> {
	// Safe because a backend answers a list request with one JSON-RPC response.
	return { response, message: await response.json<Page['message']>() };
}

/** Whether the list has this page: that of a backend without the capability is empty. */
function isPart({ message: { error, result } }: Page): boolean {
	return result !== undefined || error?.code === METHOD_NOT_FOUND;
}

function itemsOf(result: Result | undefined, key: string): unknown[] {
	const items = result?.[key];
	return Array.isArray(items) ? items : [];
}

/** Answers with the status and the headers of a backend. */
function answer({ message, response: { headers, status } }: Page, result?: Result): Response {
	const sent = new Headers(headers);
	sent.delete('content-length');
	return Response.json(result ? { ...message, result } : message, { status, headers: sent });
}
