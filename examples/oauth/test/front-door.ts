import { createServer, request as send } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The isolates that requests can go to. */
export type Isolate = 'a' | 'b';

/**
 * A proxy with one address in front of two isolates. Clients and tokens know only this address; each
 * request goes to the isolate that `onDuty` names when it arrives.
 */
export class FrontDoor {
	onDuty: Isolate = 'a';
	/** The address of each isolate. */
	readonly isolates: Map<Isolate, URL> = new Map();

	readonly #server = createServer((request, response) => this.#forward(request, response));

	async open(): Promise<void> {
		await new Promise<void>((resolve) => this.#server.listen(0, 'localhost', resolve));
	}

	get origin(): string {
		// Safe because a server that listens on TCP has an address with a port.
		return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
	}

	async close(): Promise<void> {
		this.#server.closeAllConnections();
		await new Promise((resolve) => this.#server.close(resolve));
	}

	/** Forwards headers unchanged, `Host` included, and passes disconnects on in both directions. */
	#forward(request: IncomingMessage, response: ServerResponse): void {
		const { method, headers } = request;
		const target = new URL(request.url ?? '/', this.isolates.get(this.onDuty));
		const forwarded = send(target, { method, headers }, (incoming) => {
			response.writeHead(incoming.statusCode ?? 502, incoming.headers);
			response.flushHeaders();
			incoming.on('error', () => response.destroy());
			incoming.pipe(response);
		});
		forwarded.on('error', () => response.destroy());
		response.on('close', () => forwarded.destroy());
		request.pipe(forwarded);
	}
}
