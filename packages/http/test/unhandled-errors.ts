import { afterAll, beforeAll } from 'vitest';

/** Collects the unhandled rejections and uncaught exceptions of a test file. */
export function unhandledErrors(): unknown[] {
	const unhandled: unknown[] = [];
	const record = (error: unknown): void => void unhandled.push(error);
	beforeAll(() => {
		process.on('unhandledRejection', record);
		process.on('uncaughtException', record);
	});
	afterAll(() => {
		process.off('unhandledRejection', record);
		process.off('uncaughtException', record);
	});
	return unhandled;
}
