import { stripVTControlCharacters } from 'node:util';
import type { Reporter, SerializedError, TestCase, TestModule, TestSuite } from 'vitest/node';

/** The lines of a difference that a failure prints at most. */
const DIFFERENCES = 20;

type Failed = TestCase | TestModule | TestSuite;

/**
 * Lists the failures of a run, and prints `N passed, N failed` as its last line, with `, N skipped` if tests
 * were skipped. A file or suite that fails outside its tests (an import, a hook) counts as one failure, and
 * so does an unhandled error: a count of tests alone would miss both.
 */
export default class CountReporter implements Reporter {
	onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
		let passed = 0;
		let skipped = 0;
		const failed: string[] = unhandled.map((error) => failure('unhandled error', [error]));
		for (const module of modules) {
			for (const suite of [module, ...module.children.allSuites()]) {
				if (suite.errors().length > 0) failed.push(failure(titleOf(suite), suite.errors()));
			}
			for (const test of module.children.allTests()) {
				const { state, errors } = test.result();
				if (state === 'passed') passed += 1;
				else if (state === 'failed') failed.push(failure(titleOf(test), errors));
				else skipped += 1;
			}
		}
		for (const line of failed) console.log(line);
		const counts = `${passed} passed, ${failed.length} failed`;
		console.log(skipped === 0 ? counts : `${counts}, ${skipped} skipped`);
	}
}

function titleOf(failed: Failed): string {
	if (failed.type === 'module') return `${failed.project.name} ${failed.relativeModuleId}`;
	return `${titleOf(failed.module)} > ${failed.fullName}`;
}

function failure(title: string, errors: readonly SerializedError[]): string {
	const details = errors.map(({ message, diff }) =>
		[message, ...differencesOf(diff)].join('\n').replaceAll(/^/gm, '    '),
	);
	return [`FAILED  ${title}`, ...details].join('\n');
}

/** Returns the first lines that differ: a message such as "to deeply equal" does not say which. */
function differencesOf(diff: unknown): string[] {
	if (typeof diff !== 'string') return [];
	const lines = stripVTControlCharacters(diff).split('\n');
	return lines.filter((line) => /^[-+] /.test(line)).slice(0, DIFFERENCES);
}
