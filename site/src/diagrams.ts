import { renderMermaidSVG } from 'beautiful-mermaid';

const escapeAttribute = (text: string): string =>
	text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');

/** Renders a Mermaid diagram as SVG in the colours of the page, light or dark. */
export function renderDiagram(mermaid: string): string {
	const svg = renderMermaidSVG(mermaid, {
		bg: 'var(--vp-c-bg)',
		fg: 'var(--vp-c-text-1)',
		transparent: true,
	}).replaceAll(/@import [^;]+;\s*display=swap'\);|@import url\([^)]*\);/g, '');
	// Vue drops `<style>` from a template, but not from the text of an attribute.
	return `<div class="diagram" v-html="${escapeAttribute(JSON.stringify(svg))}"></div>\n`;
}
