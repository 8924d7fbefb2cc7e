import { isObject } from '@tmcp-sessions/http/internal';
import type { ExtensionHost, JsonObject } from '@tmcp-sessions/http/internal';

const MAX_PAGES = 100;

/** Returns the tools of the server, as `tools/list` has them. */
export async function listTools(
	host: Pick<ExtensionHost, 'runInBackground'>,
): Promise<JsonObject[]> {
	const found: JsonObject[] = [];
	let cursor: unknown;
	for (let page = 0; page < MAX_PAGES; page++) {
		const { result } = await host.runInBackground({
			message: {
				...{ jsonrpc: '2.0', id: page, method: 'tools/list' },
				params: { ...(typeof cursor === 'string' && { cursor }) },
			},
			...{ principal: '', sessionInfo: {}, signal: new AbortController().signal },
			...{ platform: undefined, onFrame: () => {} },
		});
		const { nextCursor, tools } = (isObject(result) ? result : {}) as {
			nextCursor?: unknown;
			tools?: unknown;
		};
		if (Array.isArray(tools)) found.push(...(tools as unknown[]).filter(isObject));
		cursor = nextCursor;
		if (typeof cursor !== 'string') break;
	}
	return found;
}

/** Whether a tool may run again from the top: it is annotated as idempotent or read-only. */
export async function isRepeatable(
	host: Pick<ExtensionHost, 'runInBackground'>,
	tool: string,
): Promise<boolean> {
	const found = (await listTools(host)).find(({ name }) => name === tool);
	const { annotations } = (found ?? {}) as { annotations?: unknown };
	const { idempotentHint, readOnlyHint } = (isObject(annotations) ? annotations : {}) as {
		idempotentHint?: unknown;
		readOnlyHint?: unknown;
	};
	return idempotentHint === true || readOnlyHint === true;
}
