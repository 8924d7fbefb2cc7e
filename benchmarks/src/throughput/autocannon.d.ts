/** The part of autocannon that is used here; it brings no types. */
declare module 'autocannon' {
	interface Options {
		url: string;
		method: string;
		connections: number;
		/** Requests in all, shared by the connections. */
		amount: number;
		/** What every answer has to be. */
		expectBody?: string;
		/** Stops at so many errors or mismatches. */
		bailout: number;
		/** How often it looks whether it is done. */
		sampleInt: number;
		setupClient(client: {
			setHeadersAndBody(headers: Readonly<Record<string, string>>, body: string): void;
			setRequests(
				requests: readonly {
					method: string;
					headers: Readonly<Record<string, string>>;
					body: string;
				}[],
			): void;
		}): void;
	}
	interface Result {
		readonly errors: number;
		readonly timeouts: number;
		readonly mismatches: number;
		readonly non2xx: number;
		readonly '2xx': number;
	}
	interface Run extends PromiseLike<Result> {
		on(event: 'response', listener: () => void): void;
	}
	export default function autocannon(options: Options): Run;
}
