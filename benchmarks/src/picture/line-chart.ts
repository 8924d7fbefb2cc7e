import { escaped, svg } from './svg.ts';

/** A chart of lines over decades: both axes are logarithms, so that what is linear rises like the grid. */
export interface LineChart {
	readonly title: string;
	/** Two at most, which is as many colors as there are. */
	readonly lines: readonly Line[];
}

/** One line, by points of what grows and what it comes to. */
export interface Line {
	readonly label: string;
	readonly points: readonly (readonly [x: number, y: number])[];
}

const WIDTH = 760;
const LEFT = 60;
const RIGHT = 180;
const HEAD = 34;
const FOOT = 40;
/** Pixels of a decade up, and across. */
const DECADE_UP = 52;
const LINE = 15;
const colors = ['first', 'second'];

/** The charts as one SVG. */
export function lineCharts(charts: readonly LineChart[]): string {
	const parts: string[] = [];
	let top = 0;
	for (const chart of charts) {
		const decades = decadesOf(chart.lines.flatMap(({ points }) => points.map(([, y]) => y)));
		const height = (decades.length - 1) * DECADE_UP;
		parts.push(chartAt(top + HEAD, height, chart, decades));
		top += HEAD + height + FOOT;
	}
	return svg(WIDTH, top, charts.map(({ title }) => title).join('; '), parts);
}

function chartAt(top: number, height: number, chart: LineChart, up: readonly number[]): string {
	const across = decadesOf(chart.lines.flatMap(({ points }) => points.map(([x]) => x)));
	const x = (value: number): number => LEFT + share(value, across) * (WIDTH - LEFT - RIGHT);
	const y = (value: number): number => top + (1 - share(value, up)) * height;
	const grid = [
		...up.map((value) => [
			`<line class="grid" x1="${LEFT}" y1="${y(value)}" x2="${WIDTH - RIGHT}" y2="${y(value)}"/>`,
			`<text class="unit" x="${LEFT - 8}" y="${y(value) + 4}" text-anchor="end">${inWords(value)}</text>`,
		]),
		...across.map((value) => [
			`<line class="grid" x1="${x(value).toFixed(1)}" y1="${top}" x2="${x(value).toFixed(1)}" y2="${top + height}"/>`,
			`<text class="unit" x="${x(value).toFixed(1)}" y="${top + height + 18}" text-anchor="middle">${inWords(value)}</text>`,
		]),
	].flat();
	const lines = chart.lines.map(({ points }, index) => {
		const path = points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(' ');
		return `<polyline class="${colors[index] ?? ''}" points="${path}"/>`;
	});
	const labels = apart(
		chart.lines.map(({ label, points }, index) => ({
			label,
			color: colors[index] ?? '',
			at: y(points.at(-1)?.[1] ?? 1) + 4,
		})),
	).map(
		({ label, color, at }) =>
			`<text class="${color}" x="${WIDTH - RIGHT + 8}" y="${at.toFixed(1)}">${escaped(label)}</text>`,
	);
	return [
		`<text class="title" x="0" y="${top - 14}">${escaped(chart.title)}</text>`,
		...grid,
		...lines,
		...labels,
	].join('\n');
}

/** What a line is called, in its color, and how far down. */
interface Label {
	readonly label: string;
	readonly color: string;
	readonly at: number;
}

/** Labels from the top, none on another. */
function apart(labels: readonly Label[]): Label[] {
	let free = -Infinity;
	return labels
		.toSorted((a, b) => a.at - b.at)
		.map((label) => {
			const at = Math.max(label.at, free);
			free = at + LINE;
			return { ...label, at };
		});
}

/** The powers of ten around values, at least two. */
function decadesOf(values: readonly number[]): number[] {
	const first = Math.floor(Math.log10(Math.min(...values)));
	const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...values))));
	return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
}

/** How far along the decades a value lies, from 0 to 1. */
function share(value: number, decades: readonly number[]): number {
	const [first = 1, last = 1] = [decades[0], decades.at(-1)];
	return Math.log10(value / first) / Math.log10(last / first);
}

function inWords(value: number): string {
	return value >= 1 ? value.toLocaleString('en') : String(Number(value.toPrecision(1)));
}
