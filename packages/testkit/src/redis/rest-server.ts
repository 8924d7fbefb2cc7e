import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { reasonOf } from '@tmcp-sessions/core/backend';
import type { RedisConnection } from './redis-connection.ts';
import { parseCommand, runCommand, runTransaction } from './rest-commands.ts';
import type { RestEncoding } from './rest-commands.ts';

/** An authorized HTTP request: its path and the names of its commands, in upper case. */
export interface RestRequest {
	readonly path: string;
	readonly commands: readonly string[];
}

/** A running REST server. */
export interface RestServer {
	readonly url: string;
	stop(): Promise<void>;
}

/** An error that rejects the whole request. */
class HttpError extends Error {
	readonly status: number;
	constructor(status: number, message: string) {
		super(message);
		this.status = status;
	}
}

/**
 * Serves Upstash's REST protocol over a Redis: POST to `/`, `/pipeline` and `/multi-exec`, a bearer
 * token, errors as JSON, and `/subscribe/CHANNEL` as a stream of events. Does not support commands in the
 * path of a GET.
 *
 * @see https://upstash.com/docs/redis/features/restapi
 */
export async function startRestServer(
	redis: RedisConnection,
	token: string,
	onRequest: (request: RestRequest) => void,
): Promise<RestServer> {
	const server = createServer((request, response) => {
		const channel = channelOf(request);
		if (channel !== undefined) {
			subscribe(request, response, redis, token, channel).catch((error: unknown) =>
				send(response, error instanceof HttpError ? error.status : 500, {
					error: reasonOf(error),
				}),
			);
			return;
		}
		answer(request, redis, token, onRequest).then(
			(body) => send(response, 200, body),
			(error: unknown) =>
				send(response, error instanceof HttpError ? error.status : 500, {
					error: reasonOf(error),
				}),
		);
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	// Safe because a server that listens on a port has an AddressInfo.
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		async stop() {
			const closed = once(server, 'close');
			server.close();
			server.closeAllConnections();
			await closed;
		},
	};
}

/** Returns the channel of a request to subscribe, or `undefined` for other requests. */
function channelOf(request: IncomingMessage): string | undefined {
	const { pathname } = new URL(request.url ?? '/', 'http://localhost');
	const [, channel] = /^\/subscribe\/(.+)$/.exec(pathname) ?? [];
	return channel === undefined ? undefined : decodeURIComponent(channel);
}

/** Streams the messages of a channel until the client disconnects or Redis ends the subscription. */
async function subscribe(
	request: IncomingMessage,
	response: ServerResponse,
	redis: RedisConnection,
	token: string,
	channel: string,
): Promise<void> {
	checkToken(request, token);
	const subscription = await redis.subscribe(
		channel,
		(message) => response.write(`data: message,${channel},${message}\n\n`),
		() => response.end(),
	);
	response.on('close', () => subscription.close());
	response.writeHead(200, { 'content-type': 'text/event-stream' });
	response.write(`data: subscribe,${channel},1\n\n`);
}

function checkToken(request: IncomingMessage, token: string): void {
	if (request.method !== 'POST') throw new HttpError(405, 'ERR unsupported HTTP method');
	if (request.headers.authorization !== `Bearer ${token}`) {
		throw new HttpError(401, 'WRONGPASS invalid or missing auth token');
	}
}

async function answer(
	request: IncomingMessage,
	redis: RedisConnection,
	token: string,
	onRequest: (request: RestRequest) => void,
): Promise<unknown> {
	checkToken(request, token);
	const encoding: RestEncoding =
		request.headers['upstash-encoding'] === 'base64' ? 'base64' : 'utf8';
	const body = parse(await text(request));
	const path = new URL(request.url ?? '/', 'http://localhost').pathname;
	const commands = commandsOf(path, body);
	onRequest({ path, commands: commands.map(([name = '']) => name.toUpperCase()) });
	if (path === '/pipeline') {
		return Promise.all(commands.map((command) => runCommand(redis, command, encoding)));
	}
	const result =
		path === '/multi-exec'
			? await runTransaction(redis, commands, encoding)
			: await runCommand(redis, commands[0] ?? [], encoding);
	if ('error' in result) throw new HttpError(400, result.error);
	return result;
}

function commandsOf(path: string, body: unknown): string[][] {
	if (!['/', '/pipeline', '/multi-exec'].includes(path)) {
		throw new HttpError(400, `ERR unsupported path ${path}`);
	}
	const given = path === '/' ? [body] : body;
	const commands = Array.isArray(given) ? given.map(parseCommand) : [];
	const whole = commands.filter((command) => command !== undefined);
	if (commands.length === 0 || whole.length < commands.length) {
		throw new HttpError(400, 'ERR failed to parse command');
	}
	return whole;
}

function parse(body: string): unknown {
	try {
		return JSON.parse(body);
	} catch {
		throw new HttpError(400, 'ERR failed to parse command');
	}
}

function send(response: ServerResponse, status: number, body: unknown): void {
	response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
