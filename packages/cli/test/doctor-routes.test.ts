import { describe } from 'vitest';

import { all, exporting, importing, testMistakes, withOptions } from './planted.ts';
import type { Change, Mistakes } from './planted.ts';

const hono = (text: string): Change => all(importing('Hono', 'hono'), exporting(text));
const pass = '(c) => mcp.fetch(c.req.raw, c.env, c.executionCtx)';

const chained = (text: string): Change =>
	hono(`const routes = new Hono().all('/mcp', ${pass});\n${text}\nexport default app;`);

const mistakes: Mistakes = {
	'a chain of calls that another router mounts': [
		chained("const app = new Hono();\napp.route('/v1', routes);"),
		'src/index.ts:23 a route passes requests of /v1/mcp to a handler of /mcp',
	],
	'a base path that another router mounts': [
		hono(
			`const sub = new Hono().basePath('/b');\nsub.all('/mcp', ${pass});\nconst app = new Hono().route('/v1', sub);\nexport default app;`,
		),
		'a route passes requests of /v1/b/mcp to a handler of /mcp',
	],
	'a base path that the handler does not know': [
		hono(
			`const app = new Hono().basePath('/api');\napp.all('/mcp', ${pass});\nexport default app;`,
		),
		'src/index.ts:24 a route passes requests of /api/mcp to a handler of /mcp',
	],
	'a router that another one mounts': [
		hono(
			`const sub = new Hono();\nsub.all('/mcp', ${pass});\nconst app = new Hono();\napp.route('/v1', sub);\nexport default app;`,
		),
		'src/index.ts:24 a route passes requests of /v1/mcp to a handler of /mcp',
	],
	'a chain of routes': [
		hono(
			`export default new Hono().basePath('/api').get('/', (c) => c.text('')).all('/mcp', ${pass});`,
		),
		'a route passes requests of /api/mcp to a handler of /mcp',
	],
	'a function that registers the route': [
		hono(
			"const app = new Hono();\nfunction serve(handler) { app.all('/api/mcp', (c) => handler.fetch(c.req.raw)); }\nserve(mcp);\nexport default app;",
		),
		'src/index.ts:24 a route passes requests of /api/mcp to a handler of /mcp',
	],
	'a function that creates the route': [
		hono(
			"const serve = (handler) => (c) => handler.fetch(c.req.raw);\nconst app = new Hono();\napp.all('/api/mcp', serve(mcp));\nexport default app;",
		),
		'a route passes requests of /api/mcp to a handler of /mcp',
	],
	'a handler in a mounted application': [
		hono("const app = new Hono();\napp.mount('/mcp', mcp.fetch);\nexport default app;"),
		'mount removes /mcp from the path',
	],
	'only POST': [
		hono(`const app = new Hono();\napp.post('/mcp', ${pass});\nexport default app;`),
		'src/index.ts:24 the router passes only POST of /mcp to the handler: GET and DELETE never reach it',
	],
	'POST and GET': [
		hono(`const app = new Hono();\napp.on(['POST', 'GET'], '/mcp', ${pass});\nexport default app;`),
		'DELETE never reach it',
	],
	'a condition of another path': [
		exporting(
			"export default { fetch(r: Request) { if (new URL(r.url).pathname === '/api/mcp') return mcp.fetch(r); return new Response('') } };",
		),
		'a condition passes requests of /api/mcp to a handler of /mcp',
	],
	'a case of another path': [
		exporting(
			"export default { fetch(r: Request) { switch (new URL(r.url).pathname) { case '/api': return mcp.fetch(r); default: return new Response('') } } };",
		),
		'a condition passes requests of /api to a handler of /mcp',
	],
	'legacy SSE under a prefix': [
		all(
			importing('createSseHandler', '@tmcp-sessions/http/legacy-sse'),
			hono(
				'const sse = createSseHandler(server);\nconst app = new Hono().basePath("/api");\napp.all("/sse", (c) => sse.fetch(c.req.raw));\napp.all("/messages", (c) => sse.fetch(c.req.raw));\nexport default app;',
			),
		),
		'a route passes requests of /api/sse to a handler of /sse and /messages',
	],
	'legacy SSE without its messages': [
		all(
			importing('createSseHandler', '@tmcp-sessions/http/legacy-sse'),
			hono(
				'const sse = createSseHandler(server);\nconst app = new Hono();\napp.all("/sse", (c) => sse.fetch(c.req.raw));\nexport default app;',
			),
		),
		'no route passes requests of /messages to the handler',
	],
};

const correct: Readonly<Record<string, Change>> = {
	'a base path that the handler knows': all(
		withOptions("path: '/api/mcp'"),
		hono(
			`const app = new Hono().basePath('/api');\napp.all('/mcp', ${pass});\nexport default app;`,
		),
	),
	'a mounted router and the complete path': all(
		withOptions("path: '/v1/mcp'"),
		hono(
			`const sub = new Hono();\nsub.all('/mcp', ${pass});\nconst app = new Hono();\napp.route('/v1', sub);\nexport default app;`,
		),
	),
	'a mounted chain of calls and the complete path': all(
		withOptions("path: '/v1/mcp'"),
		chained("const app = new Hono();\napp.route('/v1', routes);"),
	),
	'a mounted base path and the complete path': all(
		withOptions("path: '/v1/b/mcp'"),
		hono(
			`const sub = new Hono().basePath('/b');\nsub.all('/mcp', ${pass});\nconst app = new Hono().route('/v1', sub);\nexport default app;`,
		),
	),
	'a router in another module': all(
		importing('Hono', 'hono'),
		(project) => {
			project.write(
				'src/mount.ts',
				"import { Hono } from 'hono';\nimport { routes } from './index.ts';\nexport const app = new Hono().route('/v1', routes);\n",
			);
		},
		withOptions("path: '/v1/mcp'"),
		exporting(
			`import { app } from './mount.ts';\nexport const routes = new Hono().all('/mcp', ${pass});\nexport default app;`,
		),
	),
	'a prefix that the code computes': all(
		withOptions("path: '/v1/mcp'"),
		chained('const app = new Hono();\napp.route(`/${globalThis.version}`, routes);'),
	),
	'every path, below a wildcard': all(
		withOptions('path: null'),
		hono(`const app = new Hono();\napp.all('/api/*', ${pass});\nexport default app;`),
	),
	'a wildcard': hono(`const app = new Hono();\napp.use('*', ${pass});\nexport default app;`),
	'a parameter': hono(`const app = new Hono();\napp.all('/:name', ${pass});\nexport default app;`),
	'each method': hono(
		`const app = new Hono();\napp.post('/mcp', ${pass}).get('/mcp', ${pass}).delete('/mcp', ${pass});\nexport default app;`,
	),
	'a list of methods': hono(
		`const app = new Hono();\napp.on(['GET', 'POST', 'DELETE'], ['/mcp'], ${pass});\nexport default app;`,
	),
	'other routes that do not use the handler': hono(
		`const app = new Hono();\napp.post('/hook', (c) => c.text(''));\napp.all('/mcp', ${pass});\nexport default app;`,
	),
	'a condition of its path': exporting(
		"export default { fetch(r: Request) { const { pathname } = new URL(r.url); if (pathname === '/health') return new Response('ok'); return pathname === '/mcp' ? mcp.fetch(r) : new Response(''); } };",
	),
};

describe('doctor, on routes', () => {
	testMistakes(mistakes, correct);
});
