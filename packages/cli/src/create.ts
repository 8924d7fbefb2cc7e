import { runProcess } from './command/run-process.ts';
import { createGroup } from './command/command.ts';
import { initCommand } from './init/init-command.ts';

/**
 * Runs `init` in the terminal of this process, for `npm create`.
 *
 * @param args the arguments of the command line.
 */
export async function createProject(args: readonly string[]): Promise<void> {
	const root = createGroup('tmcp-sessions', 'Writes a server that runs', { init: initCommand });
	await runProcess(root, ['init', ...args]);
}
