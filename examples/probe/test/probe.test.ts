import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('posts to the webhook when the status of a server changes, and not again', async () => {
	const posted: string[] = [];
	let status = 401;
	const server = createServer((request, response) => {
		request.on('data', (chunk) => request.url === '/hook' && posted.push(String(chunk)));
		response.writeHead(request.url === '/hook' ? 200 : status).end();
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	// Safe because the server listens on a port.
	const { port } = server.address() as AddressInfo;
	const workers = await startWorkers({
		workers: ['main'],
		entry: fileURLToPath(new URL('../src/index.ts', import.meta.url)),
		durableObjects: { PROBE: 'RegionalProbe' },
		kvNamespaces: [],
		vars: {
			SERVERS: `http://127.0.0.1:${port}/mcp`,
			WEBHOOK_URL: `http://127.0.0.1:${port}/hook`,
		},
	});
	try {
		const worker = await workers.miniflare.getWorker('main');
		const tick = () => worker.scheduled({ cron: '*/5 * * * *' });
		await tick();
		expect(posted).toHaveLength(1);
		expect(JSON.parse(posted[0] ?? '').text.split('\n')).toEqual(
			['wnam', 'enam', 'weur', 'apac'].map(
				(region) => `http://127.0.0.1:${port}/mcp from ${region}: not reachable: unauthorized`,
			),
		);
		await tick();
		expect(posted).toHaveLength(1);
		status = 500;
		await tick();
		expect(posted).toHaveLength(2);
		expect(posted[1]).toContain('not reachable: server-error');
	} finally {
		await workers.stop();
		server.closeAllConnections();
		server.close();
	}
});
