import { McpClient } from '../mcp-client.ts';
import { sessionToolCall, sumAnswer } from '../mcp-requests.ts';
import type { McpRequest } from '../mcp-requests.ts';
import { measuredContenders, endpoint, startContenders } from '../start-contenders.ts';
import type { MeasuredContender } from '../start-contenders.ts';
import { Load } from './load.ts';

/** How many connections send at the same time, each with a session of its own. */
export const connectionCounts = [1, 32] as const;
/** One of `connectionCounts`. */
export type Connections = (typeof connectionCounts)[number];

/** How long to measure. */
export interface Effort {
	/** Each contender has one turn in a round, at each number of connections. */
	readonly rounds: number;
	/** The length of a turn, about. */
	readonly seconds: number;
}

/** Requests a second of each contender, one figure for each round. */
export type Samples = Record<Connections, Record<MeasuredContender, number[]>>;

const WARM_UP_REQUESTS = 320;

/** Measures all contenders side by side, taking turns. @throws where an answer is wrong. */
export async function measureThroughput(
	{ rounds, seconds }: Effort,
	onProgress: (line: string) => void = () => {},
): Promise<Samples> {
	const running = await startContenders(measuredContenders);
	const load = new Load();
	try {
		const calls = new Map<MeasuredContender, McpRequest[]>();
		for (const name of measuredContenders)
			calls.set(name, await openSessions(endpoint(running, name)));
		const measure = (
			name: MeasuredContender,
			connections: Connections,
			amount: number,
		): Promise<number> =>
			load.requestsPerSecond({
				url: endpoint(running, name),
				requests: (calls.get(name) ?? []).slice(0, connections),
				amount: Math.max(connections, Math.round(amount)),
				expectedBody: sumAnswer,
			});

		const samples = noSamples();
		for (const connections of connectionCounts) {
			const amounts = new Map<MeasuredContender, number>();
			for (const name of measuredContenders) {
				await measure(name, connections, WARM_UP_REQUESTS);
				const speed = await measure(name, connections, WARM_UP_REQUESTS);
				amounts.set(name, (await measure(name, connections, (speed * seconds) / 2)) * seconds);
			}
			for (let round = 0; round < rounds; round += 1) {
				onProgress(`round ${round + 1} of ${rounds}, connections: ${connections}`);
				for (const name of inTurn(measuredContenders, round)) {
					const speed = await measure(name, connections, amounts.get(name) ?? 0);
					samples[connections][name].push(speed);
				}
			}
		}
		return samples;
	} finally {
		await load.stop();
		await running.stop();
	}
}

/** Tool calls of as many sessions as there will be connections. */
async function openSessions(url: string): Promise<McpRequest[]> {
	const client = new McpClient(url);
	const calls: McpRequest[] = [];
	for (let count = Math.max(...connectionCounts); count > 0; count -= 1) {
		const call = sessionToolCall(await client.open());
		await client.send(call, sumAnswer);
		calls.push(call);
	}
	return calls;
}

/** Every round begins with another one, so that none always follows the same. */
function inTurn<Item>(items: readonly Item[], round: number): Item[] {
	const first = (round * 3) % items.length;
	return [...items.slice(first), ...items.slice(0, first)];
}

function noSamples(): Samples {
	// Sound: one entry for each number of connections, with one for each contender.
	return Object.fromEntries(
		connectionCounts.map((connections) => [
			connections,
			Object.fromEntries(measuredContenders.map((name) => [name, []])),
		]),
	) as unknown as Samples;
}
