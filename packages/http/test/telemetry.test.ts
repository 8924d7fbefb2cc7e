import { channels } from '@tmcp-sessions/core/internal';
import { onTelemetry } from '@tmcp-sessions/core';
import type { TelemetryEvents } from '@tmcp-sessions/core';
import type { HandlerTelemetry, McpHandler, ObservedMessage } from '@tmcp-sessions/http';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';

import type { MessageServer } from '../src/endpoint/message-server.ts';
import { ObservedServer } from '../src/telemetry/observed-server.ts';
import { internalIdOf, KEY, open, post, setUp, URL_OF_MCP } from './local-handler.ts';
import { requestContext } from './request-contexts.ts';

const ACCEPT = 'application/json, text/event-stream';
const SECRET = 'a-secret-argument';

type Name = keyof TelemetryEvents;
interface Published {
	readonly name: Name;
	readonly event: TelemetryEvents[Name];
}

const ends: (() => void)[] = [];

/** Collects what is published until the test ends. */
function collect(...names: Name[]): Published[] {
	const published: Published[] = [];
	for (const name of names) {
		ends.push(onTelemetry(name, (event) => published.push({ name, event })));
	}
	return published;
}

function withTools(telemetry?: HandlerTelemetry): McpHandler {
	const { mcp, server } = setUp({ telemetry });
	const content = [{ type: 'text', text: 'done' } as const];
	server.tool({ name: 'quick', description: 'Returns at once' }, () => ({ content }));
	server.tool({ name: 'failing', description: 'Fails' }, () => ({ content, isError: true }));
	server.tool({ name: 'slow', description: 'Reports progress for a while' }, async () => {
		server.progress(1, 2);
		await new Promise((resolve) => setTimeout(resolve, 20));
		return { content };
	});
	return mcp;
}

async function call(mcp: McpHandler, name: string, session: string): Promise<string> {
	const params = { name, arguments: { text: SECRET }, _meta: { progressToken: 'p' } };
	const response = await mcp.fetch(post({ id: 2, method: 'tools/call', params }, session, ACCEPT));
	return response.text();
}

function stateless(method: string, params: object = {}): Request {
	const metadata = {
		'io.modelcontextprotocol/protocolVersion': '2026-07-28',
		'io.modelcontextprotocol/clientInfo': { name: 'client', version: '1.0.0' },
		'io.modelcontextprotocol/clientCapabilities': {},
	};
	const { name } = params as { name?: string };
	return new Request(URL_OF_MCP, {
		method: 'POST',
		headers: {
			accept: ACCEPT,
			'content-type': 'application/json',
			'mcp-protocol-version': '2026-07-28',
			'mcp-method': method,
			...(name !== undefined && { 'mcp-name': name }),
		},
		body: JSON.stringify({ jsonrpc: '2.0', id: 3, method, params: { ...params, _meta: metadata } }),
	});
}

describe('telemetry', () => {
	afterEach(() => {
		for (const end of ends.splice(0)) end();
	});

	it('publishes each message with its outcome, in both eras', async () => {
		const published = collect('request');
		const mcp = withTools();
		const session = await open(mcp, ACCEPT);
		for (const name of ['quick', 'failing', 'unknown', 'slow']) await call(mcp, name, session);
		await (await mcp.fetch(stateless('tools/call', { name: 'quick' }))).text();
		await (await mcp.fetch(post({ id: 9, method: 'of/a-client' }, session, ACCEPT))).text();
		await (await mcp.fetch(post({ method: 'notifications/initialized' }, session, ACCEPT))).text();
		await expect.poll(() => published).toHaveLength(8);
		const ofSession = { era: 'session-based', outcome: 'ok' };
		expect(published.map(({ event }) => event)).toEqual(
			[
				{ ...ofSession, method: 'initialize' },
				{ ...ofSession, method: 'tools/call', name: 'quick' },
				{ ...ofSession, method: 'tools/call', name: 'failing', outcome: 'tool-error' },
				{ ...ofSession, method: 'tools/call', outcome: 'error', errorCode: -32602 },
				{ ...ofSession, method: 'tools/call', name: 'slow' },
				{
					era: 'stateless',
					method: 'tools/call',
					name: 'quick',
					outcome: 'ok',
					protocolVersion: '2026-07-28',
				},
				{ ...ofSession, method: '_OTHER', outcome: 'error', errorCode: -32601 },
				{ ...ofSession, method: 'notifications/initialized' },
			].map((event) => ({ ...event, durationMs: expect.any(Number) as number })),
		);
		const slow = published[4]?.event as TelemetryEvents['request'];
		expect(slow.durationMs).toBeGreaterThan(15);
	});

	it('publishes the opening and the end of sessions and streams, with their durations', async () => {
		const published = collect('session', 'stream', 'subscription');
		const mcp = withTools();
		const session = await open(mcp, ACCEPT);
		const headers = { accept: 'text/event-stream', 'mcp-session-id': session };
		const stream = await mcp.fetch(new Request(URL_OF_MCP, { headers }));
		await call(mcp, 'slow', session);
		const listening = await mcp.fetch(
			stateless('subscriptions/listen', { notifications: { toolsListChanged: true } }),
		);
		await stream.body?.cancel();
		await listening.body?.cancel();
		await expect.poll(() => published).toHaveLength(7);
		await mcp.fetch(
			new Request(URL_OF_MCP, { method: 'DELETE', headers: { 'mcp-session-id': session } }),
		);
		const durationMs = expect.any(Number) as number;
		expect(published).toEqual(
			expect.arrayContaining([
				{ name: 'session', event: { action: 'opened' } },
				{ name: 'stream', event: { action: 'opened', kind: 'session' } },
				{ name: 'stream', event: { action: 'closed', kind: 'session', durationMs } },
				{ name: 'stream', event: { action: 'opened', kind: 'call' } },
				{ name: 'stream', event: { action: 'closed', kind: 'call', durationMs } },
				{ name: 'subscription', event: { action: 'opened' } },
				{ name: 'subscription', event: { action: 'closed', durationMs } },
				{ name: 'session', event: { action: 'ended', durationMs } },
			]),
		);
		expect(published).toHaveLength(8);
	});

	it('publishes why a request was rejected', async () => {
		const published = collect('rejection');
		const mcp = withTools();
		await (await mcp.fetch(post({ id: 1, method: 'ping' }, '1.x.forged.id', ACCEPT))).text();
		expect(published.map(({ event }) => event)).toEqual([
			{ status: 404, errorCode: -32001, cause: undefined },
		]);
	});

	it('publishes no id, no token and no argument, and only what can be cloned', async () => {
		const names = Object.keys(channels) as Name[];
		const published = collect(...names);
		const mcp = withTools();
		const session = await open(mcp, ACCEPT);
		await call(mcp, 'slow', session);
		await (await mcp.fetch(post({ id: 1, method: 'ping' }, `${session}x`, ACCEPT))).text();
		await expect.poll(() => published.length).toBeGreaterThan(4);
		const texts = JSON.stringify(structuredClone(published));
		for (const secret of [session, internalIdOf(session), SECRET, KEY]) {
			expect(texts).not.toContain(secret);
		}
	});

	it('publishes operations of a store and their failures', async () => {
		const published = collect('storage');
		const { observeStorage } = await import('@tmcp-sessions/core/backend');
		await observeStorage('info-kv', 'reading a session', () => Promise.resolve());
		await observeStorage('info-kv', 'storing a session', () =>
			Promise.reject(new Error('down')),
		).catch(() => {});
		const durationMs = expect.any(Number) as number;
		expect(published.map(({ event }) => event)).toEqual([
			{ packageName: 'info-kv', operation: 'reading a session', durationMs, hasFailed: false },
			{ packageName: 'info-kv', operation: 'storing a session', durationMs, hasFailed: true },
		]);
	});

	it('runs the tool inside of what the option telemetry starts, once for each message', async () => {
		const started: ObservedMessage[] = [];
		const log: string[] = [];
		const mcp = withTools({
			startMessage(message) {
				started.push(message);
				return {
					run: (handle) => {
						log.push('run');
						return handle();
					},
					end: ({ outcome }) => void log.push(outcome),
				};
			},
		});
		const session = await open(mcp, ACCEPT);
		log.length = 0;
		await call(mcp, 'slow', session);
		await expect.poll(() => log.at(-1)).toBe('ok');
		// `respond` takes over what `answerDirectly` has begun.
		expect(log).toEqual(['run', 'run', 'ok']);
		expect(started.at(-1)).toMatchObject({
			isRequest: true,
			method: 'tools/call',
			name: 'slow',
			metadata: { progressToken: 'p' },
		});
	});

	it('has each of its channels in the documents', () => {
		const documents = new URL('../../../docs/telemetry.md', import.meta.url);
		const text = readFileSync(documents, 'utf8');
		expect([...text.matchAll(/`tmcp-sessions:(\w+)`/g)].map(([, name]) => name)).toEqual(
			Object.keys(channels),
		);
	});

	it('adds no promise to a call without a subscriber', () => {
		const answering = Promise.resolve(undefined);
		const responding = Promise.resolve(new Response());
		const server: MessageServer<undefined> = {
			statelessRevisions: [],
			answerDirectly: () => answering,
			respond: () => responding,
		};
		const observed = new ObservedServer(server, undefined);
		const message = { jsonrpc: '2.0', id: 1, method: 'ping' };
		const context = requestContext({ message, messageId: 1 });
		expect(observed.answerDirectly(context, undefined, undefined)).toBe(answering);
		expect(observed.respond(context, {})).toBe(responding);
		collect('request');
		expect(observed.answerDirectly(context, undefined, undefined)).not.toBe(answering);
	});
});
