import { serve } from '@hono/node-server';

// With REDIS_URL over TCP and with tasks, else over HTTP.
const { mcp } = process.env['REDIS_URL'] ? await import('./redis.ts') : await import('./mcp.ts');

serve({ fetch: (request) => mcp.fetch(request), port: Number(process.env['PORT'] ?? 3000) }, (at) =>
	console.log(`Listening on http://localhost:${at.port}/mcp`),
);
