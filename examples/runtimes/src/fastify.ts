import { getRequestListener } from '@hono/node-server';
import Fastify from 'fastify';
import { mcp } from './mcp.ts';

const app = Fastify();
const listener = getRequestListener((request) => mcp.fetch(request));
// The handler reads the body itself.
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', (_request, body, done) => done(null, body));
app.all('/mcp', (request, reply) => {
	reply.hijack();
	return listener(request.raw, reply.raw);
});

const address = await app.listen({ port: Number(process.env['PORT'] ?? 3000) });
console.log(`Listening on ${address}/mcp`);
