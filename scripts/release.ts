import { globSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from './build.ts';
import { CommandFailedError, describeFailure, runCommand } from './command.ts';
import { repository } from './workspace.ts';

const usage = `Usage: npm run release -- [--dry] [--built]

Versions each changed package by its changesets, commits, packs, and publishes what the registry lacks.
--dry prints the next versions and packs the current ones, and changes nothing.
--built packs the existing dist folders.`;

/** Where the tarballs are, as they were published. */
const PACKED = 'node_modules/.cache/release';

interface PlannedRelease {
	readonly kind: string;
	readonly name: string;
	readonly version: string;
}

/** Packs every package whose version the registry lacks, and returns their names with versions. */
async function pack(): Promise<string[]> {
	rmSync(join(repository, PACKED), { recursive: true, force: true });
	await runCommand('changeset', 'pack', '--out-dir', PACKED);
	const plan = readFileSync(join(repository, PACKED, 'publish-plan.json'), 'utf8');
	// Safe because changesets has just written the file.
	const { plan: groups } = JSON.parse(plan) as { plan: PlannedRelease[][] };
	return groups
		.flat()
		.filter(({ kind }) => kind === 'publish')
		.map(({ name, version }) => `${name}@${version}`);
}

/** Turns the changesets into versions and changelogs, and commits them. */
async function version(): Promise<void> {
	// A release that failed to publish has no changesets any more: it goes on with its versions.
	if (globSync('.changeset/*.md', { cwd: repository }).length === 0) return;
	await runCommand('changeset', 'version');
	// The ranges between the packages are in the lockfile too.
	await runCommand('pnpm', 'install', '--lockfile-only');
	const changes = await runCommand('git', 'status', '--porcelain');
	if (changes === '') return;
	await runCommand('git', 'add', '--all');
	await runCommand(
		'git',
		'commit',
		'--quiet',
		'--message',
		'release: version the changed packages',
	);
}

/** Returns whether this is a workflow that can prove where it runs: GitHub Actions or GitLab. */
function hasIdentity(): boolean {
	const names = ['ACTIONS_ID_TOKEN_REQUEST_URL', 'SIGSTORE_ID_TOKEN'];
	return names.some((name) => process.env[name] !== undefined);
}

async function release(isBuilt: boolean): Promise<void> {
	const changes = await runCommand('git', 'status', '--porcelain');
	if (changes !== '')
		throw new CommandFailedError(`A release needs a clean working tree; found\n${changes}`);
	await version();
	if (!isBuilt) await build();
	const packages = await pack();
	if (packages.length === 0) {
		console.log('The registry has every version: nothing to publish.');
		return;
	}
	// pnpm 12.21 does not read `publishConfig.provenance`, and fails outside of a workflow if asked for it.
	if (hasIdentity()) process.env['pnpm_config_provenance'] = 'true';
	else console.log('Without an OIDC token of a workflow the packages have no provenance.');
	await runCommand('changeset', 'publish', '--from-pack-dir', PACKED);
	console.log(
		`Published ${packages.join(', ')}.\nPush the commit and the tags:\n\n    git push --follow-tags`,
	);
}

async function dryRun(isBuilt: boolean): Promise<void> {
	if (!isBuilt) await build();
	console.log(await runCommand('changeset', 'status', '--verbose'));
	console.log(`\nPacked ${(await pack()).join(', ')} into ${PACKED}.`);
}

const { values } = parseArgs({
	options: {
		dry: { type: 'boolean', default: false },
		built: { type: 'boolean', default: false },
		help: { type: 'boolean', default: false },
	},
});
if (values.help) console.log(usage);
else {
	try {
		await (values.dry ? dryRun(values.built) : release(values.built));
	} catch (failure) {
		console.error(describeFailure(failure));
		process.exitCode = 1;
	}
}
