import { McpClient } from '../mcp-client.ts';
import { sessionToolCall, statelessToolCall, sumAnswer } from '../mcp-requests.ts';
import { addCounts } from '../operations/operation-counts.ts';
import type { OperationCounts } from '../operations/operation-counts.ts';
import { endpoint } from '../start-contenders.ts';
import type { Growing, GrowingWorkers } from './growing-stores.ts';

/** What a call of a session costs, counted. */
export async function countCall(running: GrowingWorkers, name: Growing): Promise<OperationCounts> {
	const client = new McpClient(endpoint(running, name));
	const session = await client.open();
	await takeCounts(running, name);
	await client.send(sessionToolCall(session), sumAnswer);
	return takeCounts(running, name);
}

/** What a change of the resource costs, counted. */
export async function countUpdate(
	running: GrowingWorkers,
	name: Growing,
): Promise<OperationCounts> {
	const client = new McpClient(endpoint(running, name));
	await takeCounts(running, name);
	await client.send(statelessToolCall('update_resource'), 'updated');
	return takeCounts(running, name);
}

/** What was counted since this was last asked, once all work has settled. */
async function takeCounts(running: GrowingWorkers, name: Growing): Promise<OperationCounts> {
	const counts: OperationCounts[] = [];
	for (const worker of [name, 'objects'] as const) {
		const response = await fetch(new URL('/operations', running.url(worker)));
		counts.push(await response.json<OperationCounts>());
	}
	return addCounts(...counts);
}
