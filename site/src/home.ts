import { startSections } from './links.ts';

/** The parts of README.md by heading; the text before the first is under the empty heading. */
function sectionsOf(readme: string): Map<string, string> {
	const [intro = '', ...rest] = readme.split(/^## /m);
	const sections = new Map([['', intro.replace(/^# .*$/m, '').trim()]]);
	for (const section of rest) {
		const [heading = '', ...lines] = section.split('\n');
		sections.set(heading.trim(), lines.join('\n').trim());
	}
	return sections;
}

function sectionOf(sections: Map<string, string>, heading: string): string {
	const found = sections.get(heading);
	if (found === undefined)
		throw new Error(`README.md has no section "${heading}", which the site shows`);
	return found;
}

/** Removes the marks of Markdown, which the front matter of a page does not render. */
function plainText(markdown: string): string {
	return markdown.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, '');
}

/** Returns the points of the section "What you get": a bold title and its text each. */
function featuresOf(section: string): { title: string; details: string }[] {
	const points = section.matchAll(/^- \*\*([^*]+)\*\*: (.+)$/gm);
	return [...points].map(([, title = '', text = '']) => {
		const details = plainText(text);
		return { title, details: details.charAt(0).toUpperCase() + details.slice(1) };
	});
}

/**
 * Returns the home page: the points of README.md as cards, and below them its introduction, the
 * demonstration, where it works, and the figures.
 */
export function homePage(readme: string, description: string): string {
	const sections = sectionsOf(readme);
	const features = featuresOf(sectionOf(sections, 'What you get'));
	if (features.length === 0) throw new Error('README.md: "What you get" has no points');
	const whereItWorks = sectionOf(sections, 'What you get').split('\n\n').slice(1).join('\n\n');
	const frontMatter = {
		layout: 'home',
		title: 'tmcp-sessions',
		titleTemplate: false,
		hero: {
			name: 'tmcp-sessions',
			tagline: description,
			actions: [
				{ text: 'Your first server', link: '/start', theme: 'brand' },
				{ text: 'Choosing managers', link: '/choosing', theme: 'alt' },
				{ text: 'Comparison', link: '/comparison', theme: 'alt' },
			],
		},
		features,
	};
	// JSON is YAML.
	return [
		`---\n${JSON.stringify(frontMatter)}\n---`,
		`## What it does\n\n${sectionOf(sections, '')}`,
		`## Where it works\n\n${whereItWorks}`,
		...['See it work', 'Figures', 'Packages'].map(
			(heading) => `## ${heading}\n\n${sectionOf(sections, heading)}`,
		),
	].join('\n\n');
}

/** Returns the page of the first server, from README.md. */
export function startPage(readme: string): string {
	const sections = sectionsOf(readme);
	const [first = '', ...others] = startSections;
	return [
		`# ${first}\n\n${sectionOf(sections, first)}`,
		...others.map((heading) => `## ${heading}\n\n${sectionOf(sections, heading)}`),
	].join('\n\n');
}
