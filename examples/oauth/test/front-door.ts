import { createServer, request as send } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The isolates that requests can go to. */
export type Isolate = 'a' | 'b';

/**
 * One address in front of two isolates, as a platform has it. Clients and tokens know this address
 * alone, and each request goes to the isolate that is on duty when it comes in.
 */
export class FrontDoor {
	onDuty: Isolate = 'a';
	/** Where each isolate listens, once they run. */
	readonly isolates: Map<Isolate, URL> = new Map();

	readonly #server = createServer((request, response) => this.#forward(request, response));

	async open(): Promise<void> {
		await new Promise<void>((resolve) => this.#server.listen(0, 'localhost', resolve));
	}

	get origin(): string {
		// Sound: a server that listens on a port has an address of this kind.
		return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
	}

	async close(): Promise<void> {
		this.#server.closeAllConnections();
		await new Promise((resolve) => this.#server.close(resolve));
	}

	/** Headers go on as they came, `Host` among them. Where one side leaves, so does the other. */
	#forward(request: IncomingMessage, response: ServerResponse): void {
		const { method, headers } = request;
		const target = new URL(request.url ?? '/', this.isolates.get(this.onDuty));
		const forwarded = send(target, { method, headers }, (answer) => {
			response.writeHead(answer.statusCode ?? 502, answer.headers);
			response.flushHeaders();
			answer.on('error', () => response.destroy());
			answer.pipe(response);
		});
		forwarded.on('error', () => response.destroy());
		response.on('close', () => forwarded.destroy());
		request.pipe(forwarded);
	}
}
