import { build } from './build.ts';
import { checkLinks } from './check/links.ts';
import { checkRequirements } from './check/requirements.ts';
import { checkSizes } from './check/sizes.ts';
import { checkSnippets } from './check/snippets.ts';
import { checkStructure } from './check/structure.ts';
import { checkSupport } from './check/support.ts';
import { checkChangesets, checkEachPackage, checkTypes } from './check/tools.ts';
import { describeFailure, runCommand } from './command.ts';

/** Resolves with the text to show; rejects if the check fails. */
type Check = () => Promise<string> | string;

const checks: Record<string, Check> = {
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
	publint: () => checkEachPackage((path) => ['publint', path, '--pack', 'pnpm', '--strict']),
	attw: () =>
		checkEachPackage((path) => ['attw', '--pack', path, '--profile', 'esm-only', '--no-color']),
	sizes: checkSizes,
	changesets: checkChangesets,
};

/** Runs one check, prints its name, outcome and time, and returns whether it passed. */
async function run(name: string, check: Check): Promise<boolean> {
	const start = performance.now();
	process.stdout.write(name.padEnd(14));
	const seconds = () => `${((performance.now() - start) / 1000).toFixed(1).padStart(5)} s`;
	const print = (outcome: string, text: string) =>
		console.log(`${outcome} ${seconds()}${text === '' ? '' : `\n${text.replace(/^/gm, '    ')}`}`);
	try {
		print('passed', await check());
		return true;
	} catch (failure) {
		print('FAILED', describeFailure(failure));
		return false;
	}
}

// `npm run check -- lint format` runs these two checks; without names, all run. The build always runs,
// because most checks read its output.
const named = process.argv.slice(2);
const unknown = named.filter((name) => !Object.hasOwn(checks, name));
if (unknown.length > 0) {
	console.error(
		`Unknown check ${unknown.join(', ')}. Available: ${Object.keys(checks).join(', ')}.`,
	);
	process.exit(1);
}
const failed: string[] = [];
let passed = 0;
for (const [name, check] of Object.entries(checks)) {
	if (named.length > 0 && !['build', ...named].includes(name)) continue;
	if (await run(name, check)) passed += 1;
	else failed.push(name);
}
if (failed.length > 0) console.log(`\nFailed: ${failed.join(', ')}`);
console.log(`\n${passed} passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;
