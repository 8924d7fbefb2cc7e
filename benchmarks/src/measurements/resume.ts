import { EventStream, McpClient, openStream, statelessToolCall, toolCall } from '../client/mcp.ts';
import { contendersIn, titleOf } from '../contenders.ts';
import type { Contender } from '../contenders.ts';
import { table } from '../reports/markdown.ts';
import { endpoint, startContenders } from '../runtime.ts';
import { entriesOf, mapValues, measurement, median, rounded, takeTurns } from './measurement.ts';
import type { Effort } from './measurement.ts';

/** The messages that each client misses, and the clients that lose their connection one after another. */
const efforts = {
	full: { missed: 50, rounds: { least: 15, most: 15, warmUps: 1 } },
	quick: { missed: 3, rounds: { least: 1, most: 1 } },
} satisfies Record<Effort, object>;

/** Contenders whose whole server is in the session's object: only the session's own calls notify it. */
const notifiedByOwnCalls: readonly Contender[] = ['session-object', 'mcp-agent'];
const MARK = 'notifications/tools/list_changed';
const ARRIVAL_MS = 1_000;

/** Measures what a client gets that loses its connection, misses messages, and reconnects. */
export const resume = measurement({
	async measure(effort, onProgress) {
		const { missed, rounds } = efforts[effort];
		const names = contendersIn('resume');
		await using running = await startContenders(names, { onLog: () => {} });
		const turn = (name: (typeof names)[number]) =>
			dropAndResume(name, endpoint(running, name), missed);
		return mapValues(await takeTurns(names, rounds, turn, onProgress), (clients) => {
			const received = clients.reduce((sum, client) => sum + client.received, 0);
			const times = clients.filter((client) => client.received > 0).map(({ ms }) => ms);
			return {
				/** The distinct statuses of the resuming requests, such as `200, 409`. */
				statuses: [...new Set(clients.map(({ status }) => status))].join(', '),
				/** The share of the missed messages that arrived. */
				received: rounded(received / (clients.length * missed), 3),
				/** The time from the request until the last of them: a median. */
				medianMs: times.length === 0 ? null : rounded(median(times), 2),
				/** The time to open a stream that is not resumed: a median. */
				openMs: rounded(median(clients.map(({ openMs }) => openMs)), 2),
			};
		});
	},

	format: (resumptions) =>
		table(
			'a client that reconnects after a drop | status | of what it missed it receives | time to the last of it, to opening a stream',
			entriesOf(resumptions).map(([name, { statuses, received, medianMs, openMs }]) => [
				titleOf(name),
				statuses,
				`${(received * 100).toFixed(0)} %`,
				medianMs === null ? '' : (medianMs / openMs).toFixed(1),
			]),
		),

	aims: (resumptions) => [
		{
			subject: 'missed messages that a resuming client receives',
			least: 1,
			found: resumptions['ours-http'].received,
			isExact: true,
		},
	],
});

async function dropAndResume(name: Contender, url: string, missed: number) {
	const client = new McpClient(url);
	const session = await client.open();
	const change = notifiedByOwnCalls.includes(name)
		? toolCall(session, { name: 'change_list', arguments: {} })
		: statelessToolCall('change_list', {});
	const first = await client.openStream(session);
	await client.send(change, 'changed');
	await first.waitFor(MARK);
	const lastEventId = [...first.text.matchAll(/^id: ?(.+)$/gm)].at(-1)?.[1];
	first.drop();
	for (let message = 0; message < missed; message += 1) await client.send(change, 'changed');
	const resumed = await EventStream.open(url, openStream(session, lastEventId));
	await resumed.waitFor(MARK, missed, ARRIVAL_MS).catch(() => {}); // Upstream replays nothing.
	resumed.drop();
	const received = resumed.count(MARK);
	return { status: resumed.status, received, ms: resumed.lastMs, openMs: first.openMs };
}
