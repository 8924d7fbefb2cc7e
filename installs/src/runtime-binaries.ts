import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Creates a folder with `bun` and `deno`, as on the machine of a reader who has installed them. */
export function linkRuntimes(folder: string): void {
	mkdirSync(folder, { recursive: true });
	symlinkSync(binaryOf('bun', 'bin/bun'), join(folder, 'bun'));
	symlinkSync(binaryOf('deno', 'deno'), join(folder, 'deno'));
}

/** Returns the binary in the package for this platform: the packages' own scripts are not built. */
function binaryOf(name: string, path: string): string {
	const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
	// Safe because these packages list their platform packages there.
	const { optionalDependencies } = JSON.parse(readFileSync(manifest, 'utf8')) as {
		optionalDependencies: Record<string, string>;
	};
	const folders = createRequire(manifest).resolve.paths('_') ?? [];
	const found = Object.keys(optionalDependencies)
		.flatMap((dependency) => folders.map((folder) => join(folder, dependency, path)))
		.flatMap((file) => [file, `${file}.exe`])
		.find((file) => existsSync(file));
	if (found === undefined) throw new Error(`${name} has no binary for this machine`);
	return found;
}
