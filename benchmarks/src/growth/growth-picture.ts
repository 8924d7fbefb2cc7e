import { lineCharts } from '../picture/line-chart.ts';
import type { Line } from '../picture/line-chart.ts';
import type { Growing } from './growing-stores.ts';
import type { Growth } from './measure-growth.ts';
import type { StreamCost, StreamCosts } from './measure-streams.ts';

/** The curves as an SVG: what is flat lies flat, and what is linear rises with the grid. */
export function growthPicture({ sessions, subscribers }: Growth, { ours }: StreamCosts): string {
	const ofSessions = (label: string, name: Growing): Line => ({
		label,
		points: sessions.map(({ sessions: x, toBareWorker }) => [x, toBareWorker[name]]),
	});
	const ofStreams = (label: string, value: (cost: StreamCost) => number): Line => ({
		label,
		points: ours.map((cost) => [cost.streams, value(cost)]),
	});
	const ofSubscribers = (label: string, name: Growing): Line => ({
		label,
		points: subscribers.map(({ subscribers: x, toldMs }) => [x, toldMs[name]]),
	});
	return lineCharts([
		{
			title: 'Speed of a call to a bare Worker, by the number of sessions',
			lines: [ofSessions('KV', 'growing-kv'), ofSessions('Durable Objects', 'growing-object')],
		},
		{
			title: 'Milliseconds of a publish, by the number of streams of an object',
			lines: [
				ofStreams('to ten', ({ toTenMs }) => toTenMs),
				ofStreams('to all', ({ toAllMs }) => toAllMs),
			],
		},
		{
			title: 'Milliseconds until one is told of a change, by the number of subscribers',
			lines: [
				ofSubscribers('KV', 'growing-kv'),
				ofSubscribers('Durable Objects', 'growing-object'),
			],
		},
	]);
}
