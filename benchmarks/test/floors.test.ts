import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { startRedis } from '@tmcp-sessions/testkit/redis';
import type { RunningRedis } from '@tmcp-sessions/testkit/redis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
	endSession,
	McpClient,
	sessionMessage,
	SUM,
	sumResponse,
	toolCall,
} from '../src/client/mcp.ts';
import { contenders, contendersIn, floorOf, pairs } from '../src/contenders.ts';
import type { Contender } from '../src/contenders.ts';
import { countingPlugin, takeBindingCounts } from '../src/operations/counted-contender.ts';
import type { OperationCounts } from '../src/operations/counts.ts';
import { endpoint, startContenders } from '../src/runtime.ts';
import type { RunningContenders } from '../src/runtime.ts';

const floors = contendersIn('call').filter((name) => name.startsWith('floor-'));
/** The operations of a call at the bindings. The object is the floors' own, so its RPC is not one of a shard. */
const callCounts: Partial<Record<Contender, OperationCounts>> = {
	'floor-kv': { kvReads: 1, readsInSequence: 1 },
	'floor-object': { objectCalls: 1, objectRowsRead: 1 },
	'floor-mixed': { kvReads: 1, readsInSequence: 1, objectCalls: 1, objectRowsRead: 1 },
	'floor-cached': { kvReads: 1, readsInSequence: 1 },
	'floor-session-object': { objectCalls: 1 },
};

let redis: RunningRedis;
let running: RunningContenders<(typeof floors)[number]>;
beforeAll(async () => {
	redis = await startRedis();
	const vars = { UPSTASH_REDIS_REST_URL: redis.url, UPSTASH_REDIS_REST_TOKEN: redis.token };
	running = await startContenders(floors, { vars, plugins: [countingPlugin], keepObjects: true });
});
afterAll(async () => {
	await running.stop();
	await redis.stop();
});

test('every pair has a floor that is measured', () => {
	for (const name of pairs) expect(floors).toContain(floorOf(name));
});

describe.each(floors)('%s', (name) => {
	test('imports none of our packages', () => {
		const { source, objects } = contenders[name];
		expect(source).toMatch(/^floors /);
		expect(objects.join()).toMatch(/^(BareObject|FloorObject)?$/);
	});

	test('answers the official client', async () => {
		const client = new Client({ name: 'test', version: '1.0.0' });
		const transport = new StreamableHTTPClientTransport(new URL(endpoint(running, name)));
		await client.connect(transport);
		const { tools } = await client.listTools();
		expect(tools.map((tool) => tool.name)).toContain('add');
		const { content } = await client.callTool({ name: 'add', arguments: { a: 1, b: 2 } });
		expect(content).toEqual([{ type: 'text', text: '3' }]);
		await client.close();
	});

	test('answers a call as the transport does, with one operation, and none of an ended session', async () => {
		const client = new McpClient(endpoint(running, name));
		const session = await client.open();
		await client.send(sessionMessage(session, { method: 'notifications/initialized' }));
		await takeBindingCounts(running, name);
		redis.takeRequests();
		const response = await fetch(endpoint(running, name), toolCall(session));
		expect(await response.text()).toBe(sumResponse);
		expect(await takeBindingCounts(running, name)).toEqual(callCounts[name] ?? {});
		expect(redis.takeRequests()).toHaveLength(name === 'floor-upstash' ? 1 : 0);
		await client.send(endSession(session));
		// Sealed ids are valid until they expire.
		if (name === 'floor-sealed') return;
		await expect(client.send(toolCall(session), SUM)).rejects.toThrow('404');
	});
});
