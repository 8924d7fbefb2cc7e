import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
	ElicitRequestSchema,
	ResourceUpdatedNotificationSchema,
	ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';

const ARRIVAL_MS = 5_000;

/** A client of the kitchen, over either transport. */
export class TestClient {
	/** The changes that the server announced. */
	readonly changes: string[] = [];
	readonly #client: Client;

	constructor() {
		this.#client = new Client(
			{ name: 'guest', version: '1.0.0' },
			{ capabilities: { elicitation: {} } },
		);
		this.#client.setRequestHandler(ElicitRequestSchema, async () => ({
			action: 'accept',
			content: { cents: 50 },
		}));
		this.#client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
			this.changes.push('the tools changed');
		});
		this.#client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
			this.changes.push(`${params.uri} changed`);
		});
	}

	/** Connects and subscribes to the menu. */
	async open(transport: Transport): Promise<void> {
		await this.#client.connect(transport);
		await this.#client.subscribeResource({ uri: 'kitchen://menu' });
	}

	/** Calls a tool. @returns the text of the result. */
	async call(name: string, args: Record<string, unknown> = {}): Promise<string> {
		const { content } = await this.#client.callTool({ name, arguments: args });
		// Safe because these tools return only text.
		const [first] = Array.isArray(content) ? (content as { text?: string }[]) : [];
		return first?.text ?? '';
	}

	/** Waits for `count` changes and 200 ms more. @returns the changes received, sorted. */
	async changesAfter(count: number): Promise<string[]> {
		const deadline = Date.now() + ARRIVAL_MS;
		while (this.changes.length < count && Date.now() < deadline) await pause(10);
		await pause(200);
		return this.changes.toSorted();
	}

	close(): Promise<void> {
		return this.#client.close();
	}
}

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
