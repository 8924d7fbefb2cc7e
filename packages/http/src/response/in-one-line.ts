import { escapeLineTerminators } from '@tmcp-sessions/core/backend';

/** Escapes the line terminators in the JSON of a library's response. */
export async function inOneLine(response: Response): Promise<Response> {
	const isJson = response.headers.get('content-type') === 'application/json';
	if (!isJson || !response.body) return response;
	return new Response(escapeLineTerminators(await response.text()), response);
}
