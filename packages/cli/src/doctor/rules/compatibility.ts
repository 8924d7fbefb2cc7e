import { COMPATIBILITY_FLAGS } from '../compatibility-flags.ts';
import { environmentsOf } from '../declared-bindings.ts';
import { nearest } from '../nearest.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import type { ConfigPath, WranglerConfig } from '../read-config.ts';

const FLAG = 'nodejs_compat';
/** With older dates, `nodejs_compat` has no module of Node.js without its prefix. */
const OLDEST_DATE = '2024-09-23';
/** The date that the packages are tested with. */
const TESTED_DATE = '2026-07-01';

/** Checks the compatibility date and flags. */
export function* checkCompatibility({ config }: Project): Generator<Problem> {
	for (const { root } of environmentsOf(config)) {
		const isInherited = (field: string): boolean =>
			root.length > 0 && config.get(...root, field) === undefined;
		if (!isInherited('compatibility_date')) {
			const date = config.get(...root, 'compatibility_date');
			const path = [...root, 'compatibility_date'];
			const base = {
				rule: 'compatibility',
				file: config.file,
				line: config.lineOf(...path),
			} as const;
			const fix = `set "compatibility_date": "${TESTED_DATE}"`;
			const repair = { kind: 'edit-config', path, value: TESTED_DATE } as const;
			if (typeof date !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(date)) {
				const message = `"compatibility_date" must be a date; found ${JSON.stringify(date) ?? 'none'}`;
				yield { ...base, severity: 'error', message, fix, repair };
			} else if (Number.isNaN(Date.parse(date)) || Date.parse(date) > Date.now()) {
				const message = `the compatibility date ${date} is not a day that has passed: wrangler refuses it`;
				yield { ...base, severity: 'error', message, fix };
			} else if (date < OLDEST_DATE) {
				const message = `the compatibility date ${date} is older than ${OLDEST_DATE}, which ${FLAG} needs`;
				yield { ...base, severity: 'error', message, fix };
			} else if (date < TESTED_DATE) {
				const message = `the compatibility date ${date} is older than ${TESTED_DATE}, the oldest one that is tested`;
				yield { ...base, severity: 'warning', message, fix };
			}
		}
		if (isInherited('compatibility_flags')) continue;
		const flags = config.list(...root, 'compatibility_flags');
		const path = [...root, 'compatibility_flags'];
		const unknown = [...checkFlags(config, path, flags)];
		yield* unknown;
		// A misspelt flag is corrected, and not added once more.
		if (flags.includes(FLAG) || unknown.some(({ fix }) => fix.includes(`"${FLAG}"`))) continue;
		yield {
			rule: 'compatibility',
			severity: 'error',
			file: config.file,
			line: config.lineOf(...path),
			message: `"compatibility_flags" must include ${FLAG}; found ${flags.join(', ') || 'none'}`,
			fix: `set "compatibility_flags": ${JSON.stringify([...flags, FLAG])}`,
			repair: { kind: 'edit-config', path, value: [...flags, FLAG] },
		};
	}
}

/** Checks that workerd knows the flags: it does not start with another one. */
function* checkFlags(
	config: WranglerConfig,
	path: ConfigPath,
	flags: readonly unknown[],
): Generator<Problem> {
	for (const [index, flag] of flags.entries()) {
		const base = {
			rule: 'compatibility',
			severity: 'error',
			file: config.file,
			line: config.lineOf(...path, index),
		} as const;
		if (typeof flag !== 'string') {
			const message = `a compatibility flag must be a text; found ${JSON.stringify(flag)}`;
			yield { ...base, message, fix: 'write its name' };
		} else if (flag === 'experimental') {
			const message = 'the flag experimental cannot be deployed';
			yield { ...base, message, fix: 'remove it' };
		} else if (flag === `no_${FLAG}`) {
			const message = `the flag ${flag} turns ${FLAG} off, which the packages need`;
			yield { ...base, message, fix: `write "${FLAG}"` };
		} else if (!COMPATIBILITY_FLAGS.has(flag)) {
			const similar = nearest(flag, COMPATIBILITY_FLAGS);
			yield {
				...base,
				severity: similar === undefined ? 'warning' : 'error',
				message: `there is no compatibility flag ${flag}: workerd does not start with it`,
				fix:
					similar === undefined
						? 'remove it, unless it is newer than this check'
						: `write "${similar}"`,
			};
		}
	}
}
