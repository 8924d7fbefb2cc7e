import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';

import { run } from './terminal.ts';
import type { Run } from './terminal.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
	for (const stop of stops.splice(0)) await stop();
});

async function addressOf(server: Server, scheme = 'http'): Promise<string> {
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	stops.push(() => server.close());
	// Safe because the server listens on a port.
	return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

async function probeServer(answer: RequestListener, ...options: string[]): Promise<Run> {
	const server = createServer(answer);
	stops.push(() => server.closeAllConnections());
	return run(['probe', await addressOf(server), ...options]);
}

function temporaryFolder(): string {
	const folder = mkdtempSync(join(tmpdir(), 'tmcp-sessions-cli-'));
	stops.push(() => rmSync(folder, { recursive: true }));
	return folder;
}

describe('an address that cannot be probed', () => {
	it.each([
		['example.com/mcp', 'did you mean https://example.com/mcp?'],
		['ftp://example.com', 'did you mean https://example.com?'],
		['https://user:secret@example.com/mcp', 'pass it as a header instead'],
	])('rejects the URL %s', async (url, fix) => {
		const { exitCode, stderr } = await run(['probe', url]);
		expect(exitCode).toBe(2);
		expect(stderr).toContain(fix);
		expect(stderr).not.toContain('secret@');
	});

	it('names a host that does not exist', async () => {
		const { exitCode, stderr } = await run(['probe', 'https://no-such-host.invalid/mcp']);
		expect(exitCode).toBe(3);
		expect(stderr).toMatch(
			/the host no-such-host\.invalid was not found \((?:ENOTFOUND|EAI_AGAIN)\)/,
		);
	});

	it('names a port on which no server listens', async () => {
		const server = createServer();
		const url = await addressOf(server);
		server.close();
		const { exitCode, stderr } = await run(['probe', url]);
		expect(exitCode).toBe(3);
		expect(stderr).toMatch(/no server listens on 127\.0\.0\.1:\d+ \(ECONNREFUSED\)/);
	});

	it('gives up a server that never answers', async () => {
		const { exitCode, stderr } = await probeServer(() => {}, '--timeout=0.2');
		expect(exitCode).toBe(3);
		expect(stderr).toContain('sent no complete response within 0.2 seconds');
	});

	it('gives up a server whose response never ends', async () => {
		const answer: RequestListener = (_, response) => {
			response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': waiting\n\n');
		};
		const { exitCode, stderr } = await probeServer(answer, '--timeout=0.2');
		expect(exitCode).toBe(3);
		expect(stderr).toContain('sent no complete response within 0.2 seconds');
	});

	it('names a server that closes the connection', async () => {
		const { exitCode, stderr } = await probeServer(({ socket }) => socket.destroy());
		expect(exitCode).toBe(3);
		expect(stderr).toContain('closed the connection before its response was complete');
	});

	it('names the target of a redirect, without its query', async () => {
		const headers = { location: 'https://example.com/login?ticket=private' };
		const { exitCode, stderr } = await probeServer((_, response) => {
			response.writeHead(302, headers).end();
		});
		expect(exitCode).toBe(3);
		expect(stderr).toContain('redirects to https://example.com/login (302)');
		expect(stderr).not.toContain('private');
	});

	it.each([[200], [404], [502]])('recognizes a web page with status %i', async (status) => {
		const { exitCode, stderr } = await probeServer((_, response) => {
			response.writeHead(status, { 'content-type': 'text/html' }).end('<!doctype html><p>Hi');
		});
		expect(exitCode).toBe(3);
		expect(stderr).toMatch(
			status === 502 ? /answered 502, text\/html/ : /answered with a web page/,
		);
		expect(stderr).not.toContain('doctype');
	});

	it('asks for a token', async () => {
		const { exitCode, stderr } = await probeServer((_, response) => {
			response.writeHead(401, { 'www-authenticate': 'Bearer realm="mcp"' }).end();
		});
		expect(exitCode).toBe(3);
		expect(stderr).toContain('needs a token (401, and asks for Bearer)');
		expect(stderr).toContain('--bearer-env');
	});

	it('reports a token that is refused, and does not show it', async () => {
		const answer: RequestListener = (_, response) => void response.writeHead(401).end();
		const header = '--header=Authorization: Bearer do-not-print';
		const { exitCode, stderr, stdout } = await probeServer(answer, header);
		expect(exitCode).toBe(3);
		expect(stderr).toContain('does not accept the token (401)');
		expect(stderr + stdout).not.toContain('do-not-print');
	});

	it('recognizes an address that answers something else', async () => {
		const { exitCode, stderr } = await probeServer((_, response) => {
			response.writeHead(200, { 'content-type': 'text/plain' }).end('pong\u001B[31m');
		});
		expect(exitCode).toBe(3);
		expect(stderr).toContain(
			'is not an MCP endpoint: it answered initialize with 200, text/plain: pong [31m',
		);
	});

	it('names an untrusted certificate, and a server without TLS', async () => {
		const folder = temporaryFolder();
		const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
		const args = ['req', '-x509', '-newkey', 'rsa:2048', '-keyout', key, '-out', cert];
		const subject = ['-subj', '/CN=localhost', '-days', '2', '-nodes'];
		await promisify(execFile)('openssl', args.concat(subject));
		const tls = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) });
		const untrusted = await run(['probe', await addressOf(tls, 'https')]);
		expect(untrusted.exitCode).toBe(3);
		expect(untrusted.stderr).toMatch(/the certificate of 127\.0\.0\.1:\d+ is self-signed/);
		const plain = await run(['probe', await addressOf(createServer(), 'https')]);
		expect(plain.exitCode).toBe(3);
		expect(plain.stderr).toContain('use http:// in the URL');
	});

	it('writes the failure as JSON and as JUnit', async () => {
		const folder = temporaryFolder();
		const url = 'https://no-such-host.invalid/mcp';
		const { exitCode, stdout } = await run(['probe', url, '--json', '--junit=report.xml'], {
			folder,
		});
		expect(exitCode).toBe(3);
		expect(JSON.parse(stdout)).toMatchObject({ status: 'unreachable', code: 'network' });
		expect(readFileSync(join(folder, 'report.xml'), 'utf8')).toContain(
			'<testcase classname="probe" name="connect" time="0.000"><failure',
		);
	});
});
