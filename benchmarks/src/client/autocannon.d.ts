/** The part of autocannon that is used here: the package has no types. */
declare module 'autocannon' {
	type Headers = Readonly<Record<string, string>>;
	interface Request {
		method: string;
		headers: Headers;
		body?: string;
		/** Replaces the request. The connection's context lasts until its requests start again. */
		setupRequest?(request: Request, context: Context): Request;
		onResponse?(status: number, body: string, context: Context, headers: Headers): void;
	}
	interface Context {
		session?: string;
	}
	interface Run extends PromiseLike<Record<'errors' | 'timeouts' | 'non2xx' | '2xx', number>> {
		on(event: 'response', listener: () => void): void;
		stop(): void;
	}
	/** @param options `amount` counts all requests; `sampleInt` is how often it checks for the end, in ms. */
	export default function autocannon(options: {
		url: string;
		connections: number;
		amount: number;
		sampleInt: number;
		setupClient(client: { setRequests(requests: Request[]): void }): void;
	}): Run;
}
