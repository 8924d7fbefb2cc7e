import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { CliError } from '../command/cli-error.ts';
import { parseConfig } from './read-config.ts';
import type { WranglerConfig } from './read-config.ts';
import { parseTomlConfig } from './toml-config.ts';

/** In the order in which wrangler looks for them. */
const NAMES = ['wrangler.json', 'wrangler.jsonc', 'wrangler.toml'];

/** Reads the configuration of a project. */
export function readConfig(folder: string, given?: string): WranglerConfig {
	const file = given ?? NAMES.find((name) => existsSync(join(folder, name)));
	if (file === undefined) {
		throw new CliError(
			`no wrangler.jsonc in ${folder}: run this in the folder of a Worker, or use init`,
		);
	}
	if (!existsSync(join(folder, file))) throw new CliError(`the file ${file} does not exist`);
	const text = readFileSync(join(folder, file), 'utf8');
	return file.endsWith('.toml') ? parseTomlConfig(file, text) : parseConfig(file, text);
}

/** Returns the configurations that wrangler does not read because there is another one. */
export function ignoredConfigs(folder: string, config: WranglerConfig): readonly string[] {
	const index = NAMES.indexOf(config.file);
	if (index === -1) return [];
	return NAMES.slice(index + 1).filter((name) => existsSync(join(folder, name)));
}
