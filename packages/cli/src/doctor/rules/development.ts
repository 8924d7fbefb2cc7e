import { textOf } from '../declared-bindings.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';

/** Checks that `wrangler dev` keeps the host of this machine although the Worker has routes. */
export function* checkDevHost({ config, entry }: Project): Generator<Problem> {
	const route = config.get('route') ?? config.list('routes')[0];
	const pattern = typeof route === 'string' ? route : textOf(route, 'pattern');
	if (pattern === undefined || config.get('dev', 'host') !== undefined) return;
	if (/\ballowedHosts\b/.test(entry.code)) return;
	const path = config.get('route') === undefined ? ['routes'] : ['route'];
	yield {
		rule: 'dev-host',
		severity: 'warning',
		file: config.file,
		line: config.lineOf(...path),
		message: `wrangler dev replaces localhost by the host of the route ${pattern}: every request gets a 403`,
		fix: 'run npx wrangler dev --infer-origin-from-routes=false, or set "dev": { "host": "localhost" }',
		repair: { kind: 'edit-config', path: ['dev', 'host'], value: 'localhost' },
	};
}
