import type { Attributes } from '@opentelemetry/api';
import type { RequestEvent } from '@tmcp-sessions/core';

/** MCP over HTTP runs over TCP or QUIC, which a server behind a proxy cannot tell apart. */
const TRANSPORT = { 'network.protocol.name': 'http', 'network.transport': 'tcp' };

/**
 * Returns the attributes of a message, in the semantic conventions for MCP (GenAI semantic conventions,
 * status: development). They hold no session id, no resource uri and no argument.
 */
export function messageAttributes({
	method,
	name,
	protocolVersion,
}: Pick<RequestEvent, 'method' | 'name' | 'protocolVersion'>): Attributes {
	return {
		...TRANSPORT,
		'mcp.method.name': method,
		...(protocolVersion !== undefined && { 'mcp.protocol.version': protocolVersion }),
		...(method === 'tools/call' && { 'gen_ai.operation.name': 'execute_tool' }),
		...(name !== undefined && { [nameAttribute(method)]: name }),
	};
}

/** Returns the attributes of a failed message. Empty if it did not fail. */
export function failureAttributes({
	errorCode,
	outcome,
}: Pick<RequestEvent, 'errorCode' | 'outcome'>): Attributes {
	if (outcome === 'ok') return {};
	if (outcome === 'tool-error') return { 'error.type': 'tool_error' };
	if (errorCode === undefined) return { 'error.type': '_OTHER' };
	const code = String(errorCode);
	return { 'error.type': code, 'rpc.response.status_code': code };
}

/** The attributes of a session. */
export const SESSION_ATTRIBUTES: Attributes = TRANSPORT;

function nameAttribute(method: string): string {
	return method === 'prompts/get' ? 'gen_ai.prompt.name' : 'gen_ai.tool.name';
}
