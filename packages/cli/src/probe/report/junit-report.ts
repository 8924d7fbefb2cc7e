import type { CheckResult, ProbeReport } from '../run-probe.ts';

/** Returns a report in the JUnit format, which CI systems show as tests. */
export function junitReport({ durationMs, results, startedAt, url }: ProbeReport): string {
	const count = (status: CheckResult['status']): number =>
		results.filter((result) => result.status === status).length;
	const attributes = [
		`name="${escaped(`tmcp-sessions probe ${url}`)}"`,
		`tests="${results.length}"`,
		`failures="${count('failed')}"`,
		`skipped="${count('skipped')}"`,
		`time="${seconds(durationMs)}"`,
		`timestamp="${startedAt}"`,
	];
	const cases = results.map((result) => `\n    ${testCase(result)}`).join('');
	return (
		'<?xml version="1.0" encoding="UTF-8"?>\n' +
		`<testsuites>\n  <testsuite ${attributes.join(' ')}>${cases}\n  </testsuite>\n</testsuites>\n`
	);
}

/** Returns a report of one failure, for an address that cannot be probed. */
export function junitFailure(url: string, message: string, startedAt: string): string {
	const result = { check: 'connect', status: 'failed', message, durationMs: 0 } as const;
	return junitReport({
		url,
		startedAt,
		platform: '',
		status: 'failed',
		durationMs: 0,
		results: [result],
	});
}

function testCase(result: CheckResult): string {
	const { cause, check, durationMs, fix, message, specification, status } = result;
	const attributes = `classname="probe" name="${escaped(check)}" time="${seconds(durationMs)}"`;
	const details = escaped(
		[cause, fix, specification].filter((text) => text !== undefined).join('\n'),
	);
	const content = {
		failed: `<failure message="${escaped(message)}">${details}</failure>`,
		skipped: `<skipped message="${escaped(message)}"/>`,
		passed: `<system-out>${escaped(message)}</system-out>`,
		warned: `<system-out>${escaped(`warned: ${message}`)}</system-out>`,
	}[status];
	return `<testcase ${attributes}>${content}</testcase>`;
}

function seconds(durationMs: number): string {
	return (durationMs / 1_000).toFixed(3);
}

const ENTITIES: Readonly<Record<string, string>> = {
	'&': '&amp;',
	'<': '&lt;',
	'>': '&gt;',
	'"': '&quot;',
	'\n': '&#10;',
};

/** Removes what XML 1.0 does not allow, and escapes the rest. */
function escaped(text: string): string {
	return text
		.replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
		.replaceAll(/[&<>"\n]/g, (character) => ENTITIES[character] ?? character);
}
