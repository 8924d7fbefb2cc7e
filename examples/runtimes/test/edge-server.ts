import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { EdgeRuntime, runServer } from 'edge-runtime';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';

/**
 * Serves a route on Vercel's edge runtime as `vercel dev` does: bundled for browsers, with
 * `node:async_hooks` and `process.env` as the only parts of Node.js.
 *
 * Usage: node edge-server.ts <route.ts>
 */
const [, , route = ''] = process.argv;

const nodeModules: Plugin = {
	name: 'edge-runtime-modules',
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
		// waitUntil of @vercel/functions reads the event from here.
		const events = new nodeAsyncHooks.AsyncLocalStorage();
		globalThis[Symbol.for('@vercel/request-context')] = { get: () => events.getStore() };
		const handlers = module.exports;
		addEventListener('fetch', (event) => {
			const store = { waitUntil: (promise) => event.waitUntil(promise) };
			const respond = () => handlers[event.request.method](event.request);
			event.respondWith(events.run(store, respond));
		});`,
});
const { url } = await runServer({ runtime, port: 0 });
console.log(`Listening on ${url}`);
