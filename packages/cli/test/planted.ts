import { expect, it } from 'vitest';

import { run } from './terminal.ts';
import { workerFiles, WorkerProject } from './worker-project.ts';

export const CONFIG = 'wrangler.jsonc';
export const ENTRY = 'src/index.ts';

/** Changes a correct project. */
export type Change = (project: WorkerProject) => void;

/** By title, a change, and a text that the report must contain. */
export type Mistakes = Readonly<Record<string, readonly [change: Change, found: string]>>;

/** Returns what doctor prints about a changed project. */
export async function report(change: Change): Promise<string> {
	using project = new WorkerProject(workerFiles);
	change(project);
	const { stdout } = await run(['doctor', project.folder]);
	return stdout;
}

/** Tests that doctor reports each mistake with a fix, and nothing about each correct change. */
export function testMistakes(mistakes: Mistakes, correct: Readonly<Record<string, Change>>): void {
	it.each(Object.entries(mistakes))('reports %s', async (_, [plant, found]) => {
		const printed = await report(plant);
		expect(printed).toContain(found);
		expect(printed).toContain('    fix: ');
	});

	it.each(Object.entries(correct))('accepts %s', async (_, plant) => {
		expect(await report(plant)).toBe('No problems found\n');
	});
}

export const change =
	(path: string, text: string, other: string): Change =>
	(project) =>
		project.replace(path, text, other);

export const inConfig = (text: string, other: string): Change => change(CONFIG, text, other);

const SECRETS = '"secrets": { "required": ["TMCP_SESSION_KEYS"] },';

/** Adds lines to the configuration. */
export const added = (lines: string): Change => inConfig(SECRETS, `${SECRETS}\n${lines}`);

/** Makes several changes. */
export const all =
	(...changes: readonly Change[]): Change =>
	(project) => {
		for (const each of changes) each(project);
	};

/** Adds options to the handler. */
export const withOptions = (text: string): Change => change(ENTRY, '	info:', `	${text},\n	info:`);

/** Adds an import of a package, and the dependency. */
export const importing =
	(names: string, path: string): Change =>
	(project) => {
		const name = path
			.split('/')
			.slice(0, path.startsWith('@') ? 2 : 1)
			.join('/');
		project.write(ENTRY, `import { ${names} } from '${path}';\n${project.read(ENTRY)}`);
		if (project.read('package.json').includes(`"${name}"`)) return;
		project.replace('package.json', '"dependencies":{', `"dependencies":{"${name}":"*",`);
	};

/** Replaces the default export, with the handler in `mcp`. */
export const exporting =
	(text: string): Change =>
	(project) => {
		project.replace(ENTRY, 'export default createMcpHandler', 'const mcp = createMcpHandler');
		project.write(ENTRY, `${project.read(ENTRY)}\n${text}\n`);
	};

/** Adds code before the handler. */
export const before = (text: string): Change =>
	change(ENTRY, 'const server', `${text}\nconst server`);
