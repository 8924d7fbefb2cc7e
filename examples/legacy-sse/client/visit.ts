import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
	ElicitRequestSchema,
	ResourceUpdatedNotificationSchema,
	ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';

const ARRIVAL_MS = 5_000;

/** A guest of the kitchen, by whatever transport. */
export class Visit {
	/** What was told without being asked for. */
	readonly heard: string[] = [];
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
			this.heard.push('the tools changed');
		});
		this.#client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
			this.heard.push(`${params.uri} changed`);
		});
	}

	/** Connects, and listens for a new menu. */
	async begin(transport: Transport): Promise<void> {
		await this.#client.connect(transport);
		await this.#client.subscribeResource({ uri: 'kitchen://menu' });
	}

	/** Calls a tool. @returns what it says, as text. */
	async call(name: string, args: Record<string, unknown> = {}): Promise<string> {
		const { content } = await this.#client.callTool({ name, arguments: args });
		const [first] = Array.isArray(content) ? (content as { text?: string }[]) : []; // Sound: text is all that these tools give.
		return first?.text ?? '';
	}

	/** What it has heard once it has heard so much, and a moment later: sorted. */
	async hears(count: number): Promise<string[]> {
		const deadline = Date.now() + ARRIVAL_MS;
		while (this.heard.length < count && Date.now() < deadline) await pause(10);
		await pause(200);
		return this.heard.toSorted();
	}

	end(): Promise<void> {
		return this.#client.close();
	}
}

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
