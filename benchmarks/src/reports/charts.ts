import { parse, resetSVGDefIds, View } from 'vega';
import { compile } from 'vega-lite';
import type { TopLevelSpec } from 'vega-lite';
import { contenders, contendersIn, titleOf } from '../contenders.ts';
import type { Growing } from '../measurements/growth.ts';
import type { Results } from '../measurements/index.ts';
import type { Throughput, WorkName } from '../measurements/throughput.ts';

const WIDTH = 400;
/** Fixed, since Vega overestimates the width of text without a canvas. */
const LABEL_WIDTH = 300;

/** Colors on a light page, and what replaces them on a dark one. */
const colors = {
	text: ['#24292f', '#e6edf3'],
	faint: ['#57606a', '#8b949e'],
	grid: ['#d0d7de', '#30363d'],
	limit: ['#afb8c1', '#484f58'],
	first: ['#0969da', '#58a6ff'],
	second: ['#bf8700', '#d29922'],
} as const;
const [text] = colors.text;
const [faint] = colors.faint;

const config: TopLevelSpec['config'] = {
	background: 'transparent',
	font: 'system-ui, sans-serif',
	aria: false,
	view: { stroke: null },
	axis: {
		domain: false,
		ticks: false,
		gridColor: colors.grid[0],
		labelColor: faint,
		labelFontSize: 12,
		labelLimit: 0,
		labelPadding: 6,
		titleColor: faint,
		titleFontWeight: 'normal',
	},
	title: {
		anchor: 'start',
		color: text,
		fontSize: 13,
		fontWeight: 600,
		frame: 'group',
		subtitleColor: faint,
		subtitleFontSize: 12,
	},
};

/** Draws calls and whole sessions beside upstream as bars. */
export function throughputChart({ works }: Throughput): Promise<string> {
	const bars = (work: WorkName, title: string): object => {
		const values = contendersIn('chart').flatMap((name) => {
			const ratio = works[work][name]?.toUpstream;
			const { group } = contenders[name];
			const label = titleOf(name).replaceAll('`', '');
			return ratio === undefined ? [] : [{ label, ratio, group }];
		});
		const labelAxis = {
			title: null,
			labelColor: text,
			minExtent: LABEL_WIDTH,
			maxExtent: LABEL_WIDTH,
		};
		const color = {
			field: 'group',
			type: 'nominal',
			legend: null,
			scale: {
				domain: ['limit', 'ours', 'peer', 'stateless'],
				range: [colors.limit[0], colors.first[0], colors.second[0], colors.second[0]],
			},
		};
		return {
			title: { text: title, subtitle: 'how many times as fast as upstream, in one run' },
			width: WIDTH,
			height: { step: 22 },
			data: { values },
			encoding: {
				y: { field: 'label', type: 'nominal', sort: null, axis: labelAxis },
				x: { field: 'ratio', type: 'quantitative', axis: null },
			},
			layer: [
				{ mark: { type: 'bar', cornerRadius: 2, height: 15 }, encoding: { color } },
				{
					mark: { type: 'text', align: 'left', dx: 6, color: text, fontSize: 12 },
					encoding: { text: { field: 'ratio', type: 'quantitative', format: '.2f' } },
				},
			],
		};
	};
	return draw('Speed of calls and of whole sessions beside upstream', [
		bars('call-32', 'tools/call, 32 connections'),
		bars('session-32', 'Sessions from initialize to DELETE, ten calls each'),
	]);
}

/** Draws the curves. With logarithmic axes a linear figure rises like the grid. */
export function growthChart(
	{ sessions, subscribers }: Results['growth'],
	{ ours }: Results['streams'],
): Promise<string> {
	const managers: readonly (readonly [Growing, string])[] = [
		['growing-kv', 'KV'],
		['growing-object', 'Durable Objects'],
	];
	return draw('Calls by sessions, publications by streams, changes by subscribers', [
		lines(
			'Speed of a call to a bare Worker, by the number of sessions',
			managers.flatMap(([name, label]) =>
				sessions.map((point) => ({ label, x: point.sessions, y: point.toBareWorker[name] })),
			),
		),
		lines('Milliseconds of a publication, by the number of streams of an object', [
			...ours.map(({ streams, toTenMs }) => ({ label: 'to ten', x: streams, y: toTenMs })),
			...ours.map(({ streams, toAllMs }) => ({ label: 'to all', x: streams, y: toAllMs })),
		]),
		lines(
			'Milliseconds until one is notified of a change, by the number of subscribers',
			managers.flatMap(([name, label]) =>
				subscribers.map((point) => ({ label, x: point.subscribers, y: point.notifiedMs[name] })),
			),
		),
	]);
}

function lines(
	title: string,
	values: readonly { readonly label: string; readonly x: number; readonly y: number }[],
): object {
	/** Spans the powers of ten around figures, at least two. */
	const decadeAxis = (field: 'x' | 'y'): object => {
		const exponents = values.map((value) => Math.log10(value[field]));
		const first = Math.floor(Math.min(...exponents));
		const last = Math.max(first + 1, Math.ceil(Math.max(...exponents)));
		const decades = Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
		return {
			field,
			type: 'quantitative',
			scale: { type: 'log', domain: [decades[0], decades.at(-1)] },
			axis: { title: null, format: ',~g', values: decades },
		};
	};
	return {
		title,
		width: WIDTH + 100,
		height: 150,
		data: { values },
		mark: { type: 'line', strokeWidth: 2, point: { size: 30 } },
		encoding: {
			x: decadeAxis('x'),
			y: decadeAxis('y'),
			color: {
				field: 'label',
				type: 'nominal',
				sort: null,
				legend: { title: null, labelColor: text, labelFontSize: 12 },
				scale: {
					domain: [...new Set(values.map(({ label }) => label))],
					range: [colors.first[0], colors.second[0]],
				},
			},
		},
	};
}

/** Renders charts below each other as one SVG for light and dark pages. */
async function draw(label: string, charts: readonly object[]): Promise<string> {
	// Safe because vega-lite rejects an invalid specification, and the charts are committed and compared.
	const spec = {
		config,
		vconcat: charts,
		resolve: { scale: { color: 'independent' } },
	} as TopLevelSpec;
	// Vega numbers the ids of a process: the same chart must give the same text.
	resetSVGDefIds();
	const svg = await new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG();
	const rules = Object.values(colors).map(
		([light, dark]) => `[fill="${light}"]{fill:${dark}}[stroke="${light}"]{stroke:${dark}}`,
	);
	const style = `<style>@media (prefers-color-scheme: dark){${rules.join('')}}</style>`;
	return `${svg.replace(/^<svg ([^>]*)>/, `<svg $1 role="img" aria-label="${label}">${style}`)}\n`;
}
