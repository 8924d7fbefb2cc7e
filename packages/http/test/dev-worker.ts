import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers, WorkersOptions } from '@tmcp-sessions/testkit/workerd';
import { request as send } from 'node:http';
import { fileURLToPath } from 'node:url';

import { INITIALIZE } from './local-handler.ts';

export const LOCAL = 'http://localhost:8787';
export const PUBLIC = 'https://mcp.example.com';

/** What a client of a `DevWorker` gets. */
export interface Answered {
	readonly status: number;
	readonly message: string;
	readonly session: string | undefined;
}

/** A Worker behind the proxy of `wrangler dev`, and what it has logged. */
export class DevWorker {
	readonly lines: string[] = [];
	readonly #entry: string;
	#workers: Workers | undefined;
	#address: URL | undefined;

	/** @param name of the module in `fixture`. */
	constructor(name: string) {
		this.#entry = fileURLToPath(new URL(`fixture/${name}`, import.meta.url));
	}

	async start(options: Omit<WorkersOptions, 'entry' | 'workers'>): Promise<void> {
		const onLog = (line: string): void => void this.lines.push(line);
		this.#workers = await startWorkers({
			entry: this.#entry,
			workers: ['main'],
			onLog,
			...options,
		});
		this.#address = await this.#workers.miniflare.ready;
	}

	async stop(): Promise<void> {
		await this.#workers?.stop();
	}

	/** Sends a request that the Worker sees at `origin`, as the proxy of `wrangler dev` does. */
	fetch(
		method: string,
		origin: string,
		path: string,
		session?: string,
		message: object = INITIALIZE,
		more: Readonly<Record<string, string>> = {},
	): Promise<Answered> {
		const headers = {
			'mf-original-url': origin + path,
			'content-type': 'application/json',
			accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
			...(session !== undefined && { 'mcp-session-id': session }),
			...more,
		};
		return new Promise((resolve, reject) => {
			const sent = send(new URL(path, this.#address), { method, headers }, (response) => {
				let text = '';
				response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
				response.on('end', () => {
					const [, json = '{}'] = /^(?:data: )?(\{.*\})$/m.exec(text) ?? [];
					// Safe because the test reads the fields as unknown text.
					const { error } = JSON.parse(json) as { error?: { message?: string } };
					const id = response.headers['mcp-session-id'];
					resolve({
						status: response.statusCode ?? 0,
						message: error?.message ?? '',
						session: typeof id === 'string' ? id : undefined,
					});
				});
			});
			sent.on('error', reject);
			sent.end(method === 'POST' ? JSON.stringify({ jsonrpc: '2.0', ...message }) : undefined);
		});
	}
}
