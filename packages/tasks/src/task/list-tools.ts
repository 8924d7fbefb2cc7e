import { isObject } from '@tmcp-sessions/http/internal';
import type { ExtensionHost, JsonObject } from '@tmcp-sessions/http/internal';

import { configurationError } from '../task-error.ts';

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
				jsonrpc: '2.0',
				id: page,
				method: 'tools/list',
				params: { ...(typeof cursor === 'string' && { cursor }) },
			},
			principal: '',
			sessionInfo: {},
			signal: new AbortController().signal,
			platform: undefined,
			onFrame: () => {},
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

/** Returns the error about names that no tool of the server has. */
export async function unknownTools(
	host: Pick<ExtensionHost, 'hasTool' | 'runInBackground'>,
	names: readonly string[],
): Promise<Error | undefined> {
	const known = await Promise.all(names.map((name) => host.hasTool(name)));
	const missing = names.filter((_, index) => !known[index]);
	if (missing.length === 0) return undefined;
	const quoted = (texts: readonly string[]): string =>
		texts.map((text) => JSON.stringify(text)).join(', ');
	const found = (await listTools(host)).map(({ name }) => String(name));
	return configurationError(
		`the option tasks names tools that the server does not have: ${quoted(missing)}; it has ` +
			`${quoted(found) || 'none'}. Their calls cannot become tasks`,
	);
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
