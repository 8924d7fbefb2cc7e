import { mismatchesOf, readSchema } from '../config-schema.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import { checkShape } from './shape.ts';

/** Checks what wrangler checks: names, types and choices of all fields. */
export function* checkSchema({ config, folder }: Project): Generator<Problem> {
	const schema = readSchema(folder);
	if (!schema) return;
	// Other rules explain the same better.
	const known = new Set([...checkShape({ config })].map(({ line }) => line));
	for (const { fix, isIgnored, message, path } of mismatchesOf(schema, config.get())) {
		const line = config.lineOf(...path);
		if (known.has(line) || OTHERS.some((field) => path.includes(field))) continue;
		known.add(line);
		yield {
			rule: 'configuration',
			severity: isIgnored ? 'warning' : 'error',
			file: config.file,
			line,
			message,
			fix,
		};
	}
}

/** Fields that other rules check. */
const OTHERS = ['compatibility_date', 'compatibility_flags'];
