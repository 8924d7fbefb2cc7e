import type { CallToolResult } from '@modelcontextprotocol/server';

/** Returns the result of a tool that answers with a text. */
export function textResult(text: string): CallToolResult {
	return { content: [{ type: 'text', text }] };
}

/** Waits during a call. */
export function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
