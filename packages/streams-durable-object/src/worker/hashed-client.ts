import { hashText } from '@tmcp-sessions/core/backend';
import type { RequestScope } from '@tmcp-sessions/core/backend';

/** Returns a hash of the client of a request, which fits into a tag. `undefined` if it is unknown. */
export async function hashedClient(scope: RequestScope | undefined): Promise<string | undefined> {
	const client = scope?.client || scope?.principal;
	return client ? hashText(client) : undefined;
}
