import { environmentsOf } from '../declared-bindings.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';

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
		if (flags.includes(FLAG)) continue;
		const path = [...root, 'compatibility_flags'];
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
