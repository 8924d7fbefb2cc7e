import { escaped, svg } from './svg.ts';

/** A chart of horizontal bars, one under another. */
export interface BarChart {
	readonly title: string;
	/** What the lengths are. */
	readonly unit: string;
	readonly bars: readonly Bar[];
}

/** One bar: the value is what its length is, and stands behind it. */
export interface Bar {
	readonly label: string;
	readonly value: number;
	/** Which of the colors it has. */
	readonly kind: 'limit' | 'ours' | 'peer';
}

const WIDTH = 760;
const LABEL_WIDTH = 330;
const BAR_WIDTH = WIDTH - LABEL_WIDTH - 60;
const LINE = 22;
const HEAD = 44;

/** The charts as one SVG. */
export function barCharts(charts: readonly BarChart[]): string {
	const parts: string[] = [];
	let top = 0;
	for (const chart of charts) {
		parts.push(chartAt(top, chart));
		top += HEAD + chart.bars.length * LINE + 16;
	}
	const titles = charts.map(({ title }) => title).join('; ');
	return svg(WIDTH, top, titles, parts);
}

function chartAt(top: number, { title, unit, bars }: BarChart): string {
	const longest = Math.max(...bars.map(({ value }) => value));
	const lines = bars.map(({ label, value, kind }, index) => {
		const y = top + HEAD + index * LINE;
		const length = ((value / longest) * BAR_WIDTH).toFixed(1);
		return [
			`<text x="${LABEL_WIDTH - 8}" y="${y + 13}" text-anchor="end">${escaped(label)}</text>`,
			`<rect class="${kind}" x="${LABEL_WIDTH}" y="${y + 2}" width="${length}" height="${LINE - 7}" rx="2"/>`,
			`<text x="${LABEL_WIDTH + Number(length) + 6}" y="${y + 13}">${value.toFixed(2)}</text>`,
		].join('\n');
	});
	return [
		`<text class="title" x="0" y="${top + 18}">${escaped(title)}</text>`,
		`<text class="unit" x="0" y="${top + 35}">${escaped(unit)}</text>`,
		...lines,
	].join('\n');
}
