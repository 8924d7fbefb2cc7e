import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { EdgeRuntime, runServer } from 'edge-runtime';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';

/**
 * What `vercel dev` does with a route of the edge runtime: a bundle for browsers, in Vercel's own
 * runtime. Of Node.js it has a few modules, `node:async_hooks` among them, and `process.env`.
 *
 * Usage: node edge-server.ts <route.ts>
 */
const [, , route = ''] = process.argv;

const nodeModules: Plugin = {
	name: 'modules-of-the-edge-runtime',
	setup({ onResolve, onLoad }) {
		onResolve({ filter: /^(?:node:)?async_hooks$/ }, () => ({
			path: 'async_hooks',
			namespace: 'edge',
		}));
		onLoad({ filter: /./, namespace: 'edge' }, () => ({
			contents: 'module.exports = nodeAsyncHooks;',
		}));
	},
};

const { outputFiles } = await build({
	entryPoints: [route],
	bundle: true,
	write: false,
	format: 'cjs',
	platform: 'browser',
	conditions: ['edge-light', 'worker'],
	plugins: [nodeModules],
	logLevel: 'error',
});

const runtime = new EdgeRuntime({
	extend: (context) =>
		Object.assign(context, {
			module: {},
			process: { env: { ...process.env } },
			nodeAsyncHooks: { AsyncLocalStorage, AsyncResource },
		}),
	initialCode: `${outputFiles[0]?.text ?? ''};
		// Where waitUntil of @vercel/functions finds the event.
		const events = new nodeAsyncHooks.AsyncLocalStorage();
		globalThis[Symbol.for('@vercel/request-context')] = { get: () => events.getStore() };
		const handlers = module.exports;
		addEventListener('fetch', (event) => {
			const store = { waitUntil: (work) => event.waitUntil(work) };
			const answer = () => handlers[event.request.method](event.request);
			event.respondWith(events.run(store, answer));
		});`,
});
const { url } = await runServer({ runtime, port: 0 });
console.log(`Listening on ${url}`);
