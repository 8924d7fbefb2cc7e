/** An info manager that can wait until the writes of a session are stored. */
export interface Flushable {
	flush(id: string): Promise<void>;
}

/** Whether an info manager implements `Flushable`. */
export function canFlush(info: object): info is Flushable {
	return 'flush' in info && typeof info.flush === 'function';
}
