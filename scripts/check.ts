import { build } from './build.ts';
import { checkLinks } from './check/links.ts';
import { checkRequirements } from './check/requirements.ts';
import { checkSizes } from './check/sizes.ts';
import { checkSnippets } from './check/snippets.ts';
import { checkStructure } from './check/structure.ts';
import { checkSupport } from './check/support.ts';
import { checkChangesets, checkPublished, checkPublishedTypes, checkTypes } from './check/tools.ts';
import { describeFailure, mapConcurrently, runCommand } from './command.ts';

/** Resolves with the text to show; rejects if the check fails. */
type Check = () => Promise<string> | string;

const checks = {
	build,
	types: checkTypes,
	snippets: () => checkSnippets(),
	structure: checkStructure,
	requirements: () => checkRequirements(),
	support: () => checkSupport(),
	documents: () => runCommand('node', 'benchmarks/src/commands/documents.ts'),
	clients: () => runCommand('node', 'clients/src/document.ts'),
	links: checkLinks,
	site: () => runCommand('node', 'site/src/build.ts'),
	lint: () => runCommand('oxlint', '--type-aware', '--deny-warnings'),
	format: () => runCommand('prettier', '--check', '--log-level=warn', '.'),
	knip: () => runCommand('knip', '--no-progress'),
	publint: checkPublished,
	attw: checkPublishedTypes,
	sizes: checkSizes,
	changesets: checkChangesets,
} satisfies Record<string, Check>;

function isCheck(name: string): name is keyof typeof checks {
	return Object.hasOwn(checks, name);
}

/** Runs one check, prints its name, outcome and time, and returns whether it passed. */
async function run(name: keyof typeof checks): Promise<boolean> {
	const start = performance.now();
	const print = (outcome: string, text: string) => {
		const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(5);
		const details = text === '' ? '' : `\n${text.replace(/^/gm, '    ')}`;
		console.log(`${name.padEnd(14)}${outcome} ${seconds} s${details}`);
	};
	try {
		print('passed', await checks[name]());
		return true;
	} catch (failure) {
		print('FAILED', describeFailure(failure));
		return false;
	}
}

// `npm run check -- lint format` runs these two checks; without names, all run. The build always runs,
// because most checks read its output.
const named = process.argv.slice(2);
const unknown = named.filter((name) => !isCheck(name));
if (unknown.length > 0) {
	console.error(
		`Unknown check ${unknown.join(', ')}. Available: ${Object.keys(checks).join(', ')}.`,
	);
	process.exit(1);
}
const others = Object.keys(checks)
	.filter(isCheck)
	.filter((name) => name !== 'build' && (named.length === 0 || named.includes(name)));
const outcomes = [await run('build'), ...(await mapConcurrently(others, run))];
const failed = ['build', ...others].filter((_, index) => !outcomes[index]);
const passed = outcomes.length - failed.length;
if (failed.length > 0) console.log(`\nFailed: ${failed.join(', ')}`);
console.log(`\n${passed} passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;
