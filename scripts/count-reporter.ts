import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/**
 * Prints `N passed, N failed` as the last line of a run, and `, N skipped` if tests were skipped.
 * A file or suite that fails outside its tests (an import, a hook) counts as one failure, and so does
 * an unhandled error: a count of tests alone would miss both.
 */
export default class CountReporter implements Reporter {
	onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
		let passed = 0;
		let failed = unhandled.length;
		let skipped = 0;
		for (const module of modules) {
			failed += [module, ...module.children.allSuites()].filter(
				(suite) => suite.errors().length > 0,
			).length;
			for (const test of module.children.allTests()) {
				const { state } = test.result();
				if (state === 'passed') passed += 1;
				else if (state === 'failed') failed += 1;
				else skipped += 1;
			}
		}
		const counts = `${passed} passed, ${failed} failed`;
		console.log(skipped === 0 ? counts : `${counts}, ${skipped} skipped`);
	}
}
