import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { repository } from './reader-environment.ts';
import { CommandFailedError, runToEnd } from './process.ts';

/** Matches an error in the declarations of tmcp 1.20 and its transports, which do not compile strictly. */
const errorOfTmcp = /(?:^|\/)node_modules\/(?:tmcp|@tmcp\/[\w-]+)\//;

const compiler = join(repository, 'node_modules/typescript/bin/tsc');

/**
 * Type-checks files of a project strictly against what is installed there, with the declarations of all
 * packages but tmcp's.
 *
 * @param types global types. Default: `@cloudflare/workers-types` if the project has them.
 * @throws {CommandFailedError} with the compiler's errors.
 */
export async function compileStrictly(
	files: readonly string[],
	types?: readonly string[],
): Promise<string> {
	const [first = ''] = files;
	const project = findProject(dirname(first));
	const folder = mkdtempSync(join(project, '.tsc-'));
	const generated = join(project, 'worker-configuration.d.ts');
	const hasWorkersTypes = existsSync(join(project, 'node_modules/@cloudflare/workers-types'));
	const tsconfig = {
		compilerOptions: {
			strict: true,
			noEmit: true,
			target: 'es2024',
			lib: ['es2024'],
			module: 'esnext',
			moduleResolution: 'bundler',
			verbatimModuleSyntax: true,
			allowImportingTsExtensions: true,
			exactOptionalPropertyTypes: true,
			noUncheckedIndexedAccess: true,
			skipLibCheck: false,
			types: types ?? (hasWorkersTypes ? ['@cloudflare/workers-types'] : []),
			typeRoots: [join(project, 'node_modules')],
		},
		files: [...files, ...(existsSync(generated) ? [generated] : [])].map((file) =>
			relative(folder, file),
		),
	};
	try {
		writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
		const { status, output } = await runToEnd(
			process.execPath,
			[compiler, '-p', folder, '--pretty', 'false'],
			{
				cwd: project,
				env: process.env,
			},
		);
		const errors = output.split('\n').filter((line) => / error TS\d+: |^error /.test(line));
		if (status !== 0 && errors.length === 0) throw new CommandFailedError(output);
		const own = errors.filter((line) => !errorOfTmcp.test(line));
		if (own.length > 0) throw new CommandFailedError(own.join('\n'));
	} finally {
		rmSync(folder, { recursive: true });
	}
	return `${files.length} files`;
}

/** Returns the closest folder with a `package.json`. */
function findProject(folder: string): string {
	if (existsSync(join(folder, 'package.json'))) return folder;
	const parent = dirname(folder);
	return parent === folder ? folder : findProject(parent);
}
