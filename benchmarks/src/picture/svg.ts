/** Readable on light and on dark pages, where a picture is embedded. */
const STYLE = `
	text { font: 13px system-ui, sans-serif; fill: #24292f; }
	.title { font-weight: 600; }
	.unit { fill: #57606a; }
	.limit { fill: #afb8c1; } .ours { fill: #0969da; } .peer { fill: #bf8700; }
	.first { stroke: #0969da; } .second { stroke: #bf8700; } .grid { stroke: #d0d7de; }
	polyline { fill: none; stroke-width: 2; }
	text.first { fill: #0969da; stroke: none; } text.second { fill: #bf8700; stroke: none; }
	@media (prefers-color-scheme: dark) {
		text { fill: #e6edf3; } .unit { fill: #8b949e; }
		.limit { fill: #484f58; } .ours { fill: #58a6ff; } .peer { fill: #d29922; }
		.first { stroke: #58a6ff; } .second { stroke: #d29922; } .grid { stroke: #30363d; }
		text.first { fill: #58a6ff; } text.second { fill: #d29922; }
	}`;

/** A picture of parts that are drawn already. @param label what it shows, for who cannot see it. */
export function svg(
	width: number,
	height: number,
	label: string,
	parts: readonly string[],
): string {
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(label)}">`,
		`<style>${STYLE}\n</style>`,
		...parts,
		'</svg>\n',
	].join('\n');
}

/** Text as it may stand in an SVG. */
export function escaped(text: string): string {
	return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
