/** The part of autocannon that is used here: the package has no types. */
declare module 'autocannon' {
	interface Request {
		method: string;
		headers: Readonly<Record<string, string>>;
		body?: string;
		/** Replaces the request. The connection's context lasts until its requests start again. */
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
		/** The number of requests of all connections together. */
		amount: number;
		/** The interval at which it checks whether it is done, in milliseconds. */
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
