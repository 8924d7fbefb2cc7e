/** Reports a failed step: what was expected, and what was seen instead. */
export class UnmetExpectation extends Error {
	override readonly name = 'UnmetExpectation';
	readonly expected: string;
	readonly seen: string;

	constructor(expected: string, seen: string) {
		super(`expected ${expected}; saw ${seen}`);
		this.expected = expected;
		this.seen = seen;
	}
}

/** @throws {UnmetExpectation} if `holds` is false. */
export function expectThat(holds: boolean, expected: string, seen: unknown): asserts holds {
	if (!holds)
		throw new UnmetExpectation(expected, typeof seen === 'string' ? seen : JSON.stringify(seen));
}

/**
 * Resolves as `promise` does, within `timeoutMs`.
 *
 * @param seen describes what arrived instead, for the error.
 * @throws {UnmetExpectation} after `timeoutMs`.
 */
export async function within<T>(
	timeoutMs: number,
	expected: string,
	promise: Promise<T>,
	seen: () => string = () => 'nothing',
): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const tooLate = new Promise<never>((_resolve, reject) => {
		timer = setTimeout(
			() => reject(new UnmetExpectation(`${expected} within ${timeoutMs} ms`, seen())),
			timeoutMs,
		);
	});
	try {
		return await Promise.race([promise, tooLate]);
	} finally {
		clearTimeout(timer);
	}
}
