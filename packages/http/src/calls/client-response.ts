/** Creates the error that takes the place of a client response. */
export function noClientResponse(
	id: string | number,
	message: string,
): { jsonrpc: '2.0'; id: string | number; error: { code: number; message: string } } {
	return { jsonrpc: '2.0', id, error: { code: -32001, message } };
}
