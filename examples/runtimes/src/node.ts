import { serve } from '@hono/node-server';
import { mcp } from './mcp.ts';

serve({ fetch: (request) => mcp.fetch(request), port: Number(process.env['PORT'] ?? 3000) }, (at) =>
	console.log(`Listening on http://localhost:${at.port}/mcp`),
);
