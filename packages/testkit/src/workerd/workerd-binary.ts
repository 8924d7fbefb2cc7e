import { createRequire } from 'node:module';
import { TmcpSessionsError } from '@tmcp-sessions/core';
import { reasonOf } from '@tmcp-sessions/core/backend';

/** The workerd releases that the streams are tested on: they differ in how a request ends. */
export const workerdVersions = ['current', '2026-07-30'] as const;
/** One of `workerdVersions`. `current` is the release that miniflare finds by itself. */
export type WorkerdVersion = (typeof workerdVersions)[number];

const aliases = { '2026-07-30': 'workerd-2026-07-30' } as const;

/**
 * Path of the workerd executable, or `undefined` for the one that miniflare finds by itself.
 *
 * @throws {TmcpSessionsError} where that release is not installed.
 */
export function workerdBinary(version: WorkerdVersion): string | undefined {
	if (version === 'current') return undefined;
	const alias = aliases[version];
	try {
		const loaded: unknown = createRequire(import.meta.url)(alias);
		if (typeof loaded === 'object' && loaded !== null && 'default' in loaded) {
			if (typeof loaded.default === 'string') return loaded.default;
		}
		throw new TypeError('its default export is no path');
	} catch (cause) {
		throw new TmcpSessionsError(
			'configuration',
			'testkit',
			`workerd of ${version} is needed as the package ${alias}, which cannot be loaded ` +
				`(${reasonOf(cause)}). Add it: npm install -D ${alias}@npm:workerd@1.${version.replaceAll('-', '')}.1`,
			{ cause },
		);
	}
}
