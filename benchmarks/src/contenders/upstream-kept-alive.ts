import upstream from './upstream.ts';

/** Longer than a broadcast takes. */
const KEPT_MS = 3_000;

/**
 * The same, each POST kept alive after its answer. As published, workerd drops what the transport has
 * begun and not awaited, and nearly all notifications with it: their speed could not be measured.
 */
export default {
	fetch(request: Request, _env: unknown, context: ExecutionContext): Promise<Response> {
		if (request.method === 'POST') {
			context.waitUntil(new Promise((resolve) => setTimeout(resolve, KEPT_MS)));
		}
		return upstream.fetch(request);
	},
};
