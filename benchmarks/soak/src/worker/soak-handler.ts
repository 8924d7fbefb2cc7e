import type { McpHandler } from '@tmcp-sessions/http';
import type { Publication } from './publication.ts';

/** What the soak has a Worker do, beside what clients request. */
interface SoakActions {
	/** Returns the reason of a failure, or null. */
	publish(publication: Publication): Promise<string | null>;
	/** Aborts the objects with these ids. */
	abort(ids: readonly string[]): Promise<void>;
}

/** Creates the handler of a Worker under soak: `mcp` serves its clients. */
export function createSoakHandler(
	mcp: McpHandler,
	{ publish, abort }: SoakActions,
): Required<Pick<ExportedHandler<Cloudflare.Env>, 'fetch'>> {
	return {
		async fetch(request, environment, context) {
			switch (new URL(request.url).pathname) {
				case '/publish':
					return Response.json(await publish(await request.json<Publication>()));
				case '/abort':
					await abort(await request.json<string[]>());
					return Response.json(null);
				default:
					return mcp.fetch(request, environment, context);
			}
		},
	};
}
