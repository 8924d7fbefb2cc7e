import { McpClient } from './mcp-client.ts';

const AT_ONCE = 32;

/** Opens so many sessions, some at a time, and returns their ids. */
export async function openSessions(url: string, count: number): Promise<string[]> {
	const client = new McpClient(url);
	const sessions: string[] = [];
	const lanes = Array.from({ length: AT_ONCE }, async () => {
		while (sessions.length < count) {
			const at = sessions.push('') - 1;
			sessions[at] = await client.open();
		}
	});
	await Promise.all(lanes);
	return sessions;
}
