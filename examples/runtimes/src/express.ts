import { getRequestListener } from '@hono/node-server';
import express from 'express';
import type { AddressInfo } from 'node:net';
import { mcp } from './mcp.ts';

const app = express();
// Before body parsers: the handler reads the body itself.
app.all(
	'/mcp',
	getRequestListener((request) => mcp.fetch(request)),
);

const server = app.listen(Number(process.env['PORT'] ?? 3000), () => {
	// Safe because it listens on a port.
	const { port } = server.address() as AddressInfo;
	console.log(`Listening on http://localhost:${port}/mcp`);
});
