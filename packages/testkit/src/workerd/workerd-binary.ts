import { createRequire } from 'node:module';
import { TmcpSessionsError } from '@tmcp-sessions/core';
import { reasonOf } from '@tmcp-sessions/core/backend';

/** The workerd releases that streams are tested on: they differ in how a request ends. */
export const workerdVersions = ['current', '2026-07-30'] as const;
/** One of `workerdVersions`. `current` is the release that Miniflare depends on. */
export type WorkerdVersion = (typeof workerdVersions)[number];

const aliases = { '2026-07-30': 'workerd-2026-07-30' } as const;

/**
 * Returns the path of the workerd executable, or `undefined` for the one that Miniflare depends on.
 *
 * @throws {TmcpSessionsError} if that release is not installed.
 */
export function workerdBinary(version: WorkerdVersion): string | undefined {
	if (version === 'current') return undefined;
	const alias = aliases[version];
	try {
		const loaded: unknown = createRequire(import.meta.url)(alias);
		if (typeof loaded === 'object' && loaded !== null && 'default' in loaded) {
			if (typeof loaded.default === 'string') return loaded.default;
		}
		throw new TypeError('its default export is not a path');
	} catch (cause) {
		throw new TmcpSessionsError(
			'configuration',
			'testkit',
			`the package ${alias} (workerd of ${version}) cannot be loaded: ` +
				`${reasonOf(cause)}. Install it with: npm install -D ${alias}@npm:workerd@1.${version.replaceAll('-', '')}.1`,
			{ cause },
		);
	}
}
