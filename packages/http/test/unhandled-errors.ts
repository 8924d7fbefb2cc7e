import { afterAll, beforeAll } from 'vitest';

/** What nobody caught while the tests of a file ran, from the first of them on. */
export function unhandledErrors(): unknown[] {
	const unhandled: unknown[] = [];
	const note = (error: unknown): void => void unhandled.push(error);
	beforeAll(() => {
		process.on('unhandledRejection', note);
		process.on('uncaughtException', note);
	});
	afterAll(() => {
		process.off('unhandledRejection', note);
		process.off('uncaughtException', note);
	});
	return unhandled;
}
