import { describe } from 'vitest';

import {
	added,
	all,
	before,
	change,
	ENTRY,
	exporting,
	importing,
	testMistakes,
	withOptions,
} from './planted.ts';
import type { Change, Mistakes } from './planted.ts';

const fetching = (body: string): Change =>
	exporting(`export default { async fetch(request: Request, env, context) { ${body} } };`);
const sdk = (argument: string): Change =>
	all(
		importing('createSdkHandler', '@tmcp-sessions/sdk'),
		importing('McpServer as SdkServer', '@modelcontextprotocol/server'),
		before(
			"const sdkServer = new SdkServer({ name: 'a', version: '1' }); const createServer = () => sdkServer;",
		),
		change(ENTRY, 'createMcpHandler(server, {', `createSdkHandler(${argument}, {`),
	);
const variables =
	(text: string): Change =>
	(project) =>
		project.write('.dev.vars', `${project.read('.dev.vars')}${text}`);
const script = (text: string): Change =>
	change('package.json', '"dependencies"', `"scripts":{"deploy":"${text}"},"dependencies"`);

const mistakes: Mistakes = {
	'a response that is not returned': [
		fetching('await mcp.fetch(request, env, context);'),
		'src/index.ts:22 the response of the handler is not returned',
	],
	'a fetch that returns nothing': [
		fetching('const response = mcp.fetch(request, env, context); console.log(response);'),
		'src/index.ts:22 fetch of the default export returns nothing',
	],
	'a secret that is misspelt in .dev.vars': [
		(project) => {
			project.replace(
				'wrangler.jsonc',
				'["TMCP_SESSION_KEYS"]',
				'["TMCP_SESSION_KEYS", "MCP_TOKENS"]',
			);
			project.write('.dev.vars', `${project.read('.dev.vars')}MCP_TOKEN=abc\n`);
		},
		'.dev.vars:2 .dev.vars does not set the required secret MCP_TOKENS',
	],
	'the request of Hono': [
		all(
			importing('Hono', 'hono'),
			exporting(
				"const app = new Hono();\napp.all('/mcp', (c) => mcp.fetch(c.req));\nexport default app;",
			),
		),
		'fetch needs a Request; got c.req, the request of the router\n    fix: write c.req.raw',
	],
	'a body that is read first': [
		fetching(
			'const body = await request.json(); console.log(body); return mcp.fetch(request, env, context);',
		),
		'the body of request is read before the handler gets it',
	],
	'only POST by a condition': [
		fetching(
			"if (request.method !== 'POST') return new Response(null, { status: 405 }); return mcp.fetch(request);",
		),
		'a condition passes only POST to the handler: GET and DELETE never reach it',
	],
	'only POST in a branch': [
		fetching(
			"if (request.method === 'POST') { return mcp.fetch(request); } return new Response('ok');",
		),
		'a condition passes only POST to the handler',
	],
	'a tool that each request registers': [
		fetching(
			"server.tool({ name: 'a', description: '' }, () => undefined); return mcp.fetch(request);",
		),
		'tool is called in each request',
	],
	'a server of the official SDK': [
		sdk('sdkServer'),
		'createSdkHandler needs a function that creates a server; got a server',
	],
	'a factory that returns one server': [
		sdk('createServer'),
		'the factory of createSdkHandler returns sdkServer, which is created once',
	],
	'a server of the official SDK in the other handler': [
		all(
			importing('McpServer as SdkServer', '@modelcontextprotocol/server'),
			before("const sdkServer = new SdkServer({ name: 'a', version: '1' });"),
			change(ENTRY, 'createMcpHandler(server, {', 'createMcpHandler(sdkServer, {'),
		),
		'createMcpHandler needs a server of tmcp; got one of the official SDK',
	],
	'a function in place of a server': [
		change(ENTRY, 'createMcpHandler(server, {', 'createMcpHandler(() => server, {'),
		'createMcpHandler needs a server; got a function',
	],
	'a manager in the option of another': [
		change(
			ENTRY,
			'info: new KVInfoSessionManager()',
			'info: new DurableObjectStreamSessionManager()',
		),
		'the option info of createMcpHandler gets DurableObjectStreamSessionManager, which is for streams',
	],
	'a store in place of a manager': [
		all(
			change(ENTRY, 'KVInfoSessionManager }', 'KVInfoSessionManager, KVSessionStore }'),
			change(
				ENTRY,
				'info: new KVInfoSessionManager()',
				"info: new KVSessionStore('TMCP_SESSION_INFO')",
			),
		),
		'gets KVSessionStore, which is a store',
	],
	'a variable that is destructured': [
		fetching('const { API_URL } = env; console.log(API_URL); return mcp.fetch(request);'),
		'the code reads API_URL, which wrangler.jsonc does not declare',
	],
	'a variable in brackets': [
		fetching("console.log(env['API_URL']); return mcp.fetch(request);"),
		'the code reads API_URL',
	],
	'a script with a removed command': [
		script('wrangler publish'),
		'wrangler has no command publish any more',
	],
	'a script with another environment': [
		script('wrangler deploy --env prod'),
		'a script names the environment prod, which wrangler.jsonc does not have',
	],
	'a script with another file': [
		script('wrangler deploy -c wrangler.prod.jsonc'),
		'a script names the file wrangler.prod.jsonc, which does not exist',
	],
	'a line that sets no variable': [
		variables('API_TOKEN: abc\n'),
		'.dev.vars:2 a line of .dev.vars sets no variable',
	],
	'an example with the key': [
		(project) => project.write('.dev.vars.example', project.read('.dev.vars')),
		'.dev.vars.example:1 .dev.vars.example has the key of .dev.vars',
	],
	'a file of an environment without the key': [
		(project) => {
			added(
				'"env": { "staging": { "kv_namespaces": [{ "binding": "TMCP_SESSION_INFO" }], "durable_objects": { "bindings": [{ "name": "TMCP_DURABLE_OBJECT", "class_name": "SyncLayer" }] }, "secrets": { "required": ["TMCP_SESSION_KEYS"] } } },',
			)(project);
			project.write('.dev.vars.staging', 'OTHER=1\n');
		},
		'.dev.vars.staging does not set TMCP_SESSION_KEYS',
	],
	'a range that excludes what a package needs': [
		change('package.json', '"tmcp":"^1.20.0"', '"tmcp":"~1.19.0"'),
		'@tmcp-sessions/http needs tmcp ^1.20.0; package.json has ~1.19.0',
	],
};

const correct: Readonly<Record<string, Change>> = {
	'a body in another branch': fetching(
		"if (new URL(request.url).pathname === '/hook') { await request.json(); return new Response('ok'); } return mcp.fetch(request, env, context);",
	),
	'a copy of the body': fetching(
		'console.log(await request.clone().text()); return mcp.fetch(request);',
	),
	'a response that is changed': fetching(
		"const response = await mcp.fetch(request, env, context); response.headers.set('x', '1'); return response;",
	),
	'a method of another path': fetching(
		"if (request.method === 'PUT') return new Response('no'); return mcp.fetch(request);",
	),
	'a factory of the official SDK': sdk("() => new SdkServer({ name: 'a', version: '1' })"),
	'variables in several lines': variables('# Certificate\nCERT="a\nb"\nexport OTHER=1\n'),
	'scripts that exist': script('wrangler deploy --env= && wrangler deploy -c wrangler.jsonc'),
	'a separate path': withOptions("path: '/mcp'"),
};

describe('doctor, on requests and files', () => {
	testMistakes(mistakes, correct);
});
