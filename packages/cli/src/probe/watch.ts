/** Waits for the next probe. Resolves with whether there is one: not after Ctrl-C. */
export async function waitForNext(intervalMs: number, signal: AbortSignal): Promise<boolean> {
	if (signal.aborted) return false;
	return new Promise((resolve) => {
		const stop = (): void => {
			clearTimeout(timer);
			resolve(false);
		};
		const timer = setTimeout(() => {
			signal.removeEventListener('abort', stop);
			resolve(true);
		}, intervalMs);
		signal.addEventListener('abort', stop, { once: true });
	});
}
