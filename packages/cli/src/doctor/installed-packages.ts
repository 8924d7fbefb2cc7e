import nodeModule, { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Stands for what the runtime of Workers provides. */
const STAND_IN = `
class Base {}
export { Base as DurableObject, Base as RpcTarget, Base as WorkerEntrypoint, Base as WorkflowEntrypoint };
export class NonRetryableError extends Error {}
export const env = {};
export const exports = {};
export const waitUntil = () => {};
export const withEnv = (_env, run) => run();
export const RpcStub = Base;
`;
const STAND_IN_URL = `data:text/javascript,${encodeURIComponent(STAND_IN)}`;

/**
 * Loads a module of a package that a project has installed, or else the one beside this package. The
 * modules of Workers, which Node.js does not have, are replaced.
 *
 * @returns undefined if the package is not installed, or cannot be loaded: it needs Node.js 22.15 or later.
 */
export function loadInstalled(
	folder: string,
	specifier: string,
): Readonly<Record<string, unknown>> | undefined {
	// Safe because Node.js has it only from 22.15 on.
	const { registerHooks } = nodeModule as Partial<typeof nodeModule>;
	if (!registerHooks) return undefined;
	const hooks = registerHooks({
		resolve: (name, context, next) =>
			name.startsWith('cloudflare:')
				? { url: STAND_IN_URL, shortCircuit: true }
				: next(name, context),
	});
	try {
		for (const from of [pathToFileURL(join(folder, 'package.json')), import.meta.url]) {
			try {
				// Safe because a module is an object with its exports.
				return createRequire(from)(specifier) as Readonly<Record<string, unknown>>;
			} catch {
				// It is not installed there, or of a release that does not load in Node.js.
			}
		}
		return undefined;
	} finally {
		hooks.deregister();
	}
}
