import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { repository } from './reader-environment.ts';
import { CommandFailedError, runToEnd } from './process.ts';

/**
 * Matches an error in declarations of other packages: those of tmcp 1.20 and its transports do not compile
 * strictly, and some need types that the project does not have.
 */
const errorOfOthers =
	/^[^(]*node_modules\/(?!@tmcp-sessions\/)(?!.*node_modules\/@tmcp-sessions\/)/;

const compiler = join(repository, 'node_modules/typescript/bin/tsc');

/**
 * Type-checks files of a project strictly against what is installed there, with the declarations of these
 * packages (no `skipLibCheck`).
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
	const { types: globals, files: declarations, lib } = globalsOf(project);
	const tsconfig = {
		compilerOptions: {
			strict: true,
			noEmit: true,
			target: 'es2024',
			lib: ['es2024', ...lib],
			module: 'esnext',
			moduleResolution: 'bundler',
			verbatimModuleSyntax: true,
			allowImportingTsExtensions: true,
			exactOptionalPropertyTypes: true,
			noUncheckedIndexedAccess: true,
			skipLibCheck: false,
			types: types ?? globals,
			typeRoots: [join(project, 'node_modules')],
		},
		files: [...files, ...(types === undefined ? declarations : [])].map((file) =>
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
		const own = errors.filter((line) => !errorOfOthers.test(line));
		if (own.length > 0) throw new CommandFailedError(own.slice(0, 20).join('\n'));
	} finally {
		rmSync(folder, { recursive: true });
	}
	return `${files.length} files`;
}

interface Globals {
	readonly types: readonly string[];
	readonly files: readonly string[];
	readonly lib: readonly string[];
}

/** Returns the global types that an editor has in this project: of Workers, or of the web and Node.js. */
function globalsOf(project: string): Globals {
	const generated = join(project, 'worker-configuration.d.ts');
	if (existsSync(generated)) return { types: [], files: [generated], lib: [] };
	const has = (name: string) => existsSync(join(project, 'node_modules', name));
	if (has('@cloudflare/workers-types'))
		return { types: ['@cloudflare/workers-types'], files: [], lib: [] };
	const isWorker = ['jsonc', 'json', 'toml'].some((ext) =>
		existsSync(join(project, `wrangler.${ext}`)),
	);
	// Declarations find their own dependencies beside their real path.
	const lent = (name: string) =>
		join(realpathSync(join(repository, 'installs/node_modules', name)), 'index.d.ts');
	if (isWorker) return { types: [], files: [lent('@cloudflare/workers-types')], lib: [] };
	return { types: [], files: [lent('@types/node')], lib: ['dom', 'dom.iterable'] };
}

/** Returns the closest folder with a `package.json`. */
function findProject(folder: string): string {
	if (existsSync(join(folder, 'package.json'))) return folder;
	const parent = dirname(folder);
	return parent === folder ? folder : findProject(parent);
}
