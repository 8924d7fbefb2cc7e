/** The part of autocannon that is used here; it brings no types. */
declare module 'autocannon' {
	interface Request {
		method: string;
		headers: Readonly<Record<string, string>>;
		body?: string;
		/** What is sent instead. The context is the connection's and lasts until its requests begin again. */
		setupRequest?(request: Request, context: Context): Request;
		onResponse?(
			status: number,
			body: string,
			context: Context,
			headers: Readonly<Record<string, string>>,
		): void;
	}
	interface Context {
		session?: string;
	}
	interface Options {
		url: string;
		connections: number;
		/** Requests in all, shared by the connections. */
		amount: number;
		/** How often it looks whether it is done. */
		sampleInt: number;
		setupClient(client: { setRequests(requests: Request[]): void }): void;
	}
	interface Result {
		readonly errors: number;
		readonly timeouts: number;
		readonly non2xx: number;
		readonly '2xx': number;
	}
	interface Run extends PromiseLike<Result> {
		on(event: 'response', listener: () => void): void;
		stop(): void;
	}
	export default function autocannon(options: Options): Run;
}
