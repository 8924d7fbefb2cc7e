/** Calls a function when a signal is aborted, at once if it is already. */
export function onAbort(
	signal: Pick<AbortSignal, 'aborted' | 'addEventListener'>,
	listener: () => void,
): void {
	if (signal.aborted) listener();
	else signal.addEventListener('abort', listener, { once: true });
}
