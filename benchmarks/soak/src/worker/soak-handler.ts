import type { McpHandler } from '@tmcp-sessions/http';
import type { Publication } from './publication.ts';

/** What the soak has a Worker do, beside what clients request. */
interface SoakActions {
	/** Returns the reason of a failure, or null. */
	publish(publication: Publication): Promise<string | null>;
	/** Aborts the objects with these ids. */
	abort(ids: readonly string[]): Promise<void>;
	/** Returns the sessions whose sockets have received messages for others. Omit it if none does. */
	leaders?(ids: readonly string[]): Promise<string[]>;
}

/** Creates the handler of a Worker under soak: `mcp` serves its clients. */
export function createSoakHandler(
	mcp: McpHandler,
	{ publish, abort, leaders }: SoakActions,
): Required<Pick<ExportedHandler<Cloudflare.Env>, 'fetch'>> {
	return {
		async fetch(request, environment, context) {
			switch (new URL(request.url).pathname) {
				case '/publish':
					return Response.json(await publish(await request.json<Publication>()));
				case '/abort':
					await abort(await request.json<string[]>());
					return Response.json(null);
				case '/leaders':
					return Response.json((await leaders?.(await request.json<string[]>())) ?? []);
				default:
					return mcp.fetch(request, environment, context);
			}
		},
	};
}
