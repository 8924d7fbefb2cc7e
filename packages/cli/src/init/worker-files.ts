import { createKey } from '../keys/create-key.ts';
import type { Choices, Sessions } from './choices.ts';
import { HANDLERS, hasPrincipal, itemsIf } from './handler-code.ts';
import { TOKENS, tokenSecrets, workerPrincipal } from './principal-file.ts';
import type { RuntimeFiles } from './runtime-files.ts';

/** The date that the packages are tested with. */
const COMPATIBILITY_DATE = '2026-07-01';
const KEYS = 'TMCP_SESSION_KEYS';

/** A manager of session metadata in a Worker. */
interface InfoManager {
	readonly packageName: string;
	readonly className: string;
	readonly argument: string;
	/** The class that the entry exports, and its binding. */
	readonly object?: readonly [className: string, binding: string];
}

const INFO: Readonly<Record<'kv' | 'durable-object' | 'sealed', InfoManager>> = {
	kv: { packageName: 'info-kv', className: 'KVInfoSessionManager', argument: '' },
	'durable-object': {
		packageName: 'info-durable-object',
		className: 'DurableObjectInfoSessionManager',
		argument: '',
		object: ['SessionShard', 'TMCP_SESSION_SHARD'],
	},
	sealed: {
		packageName: 'info-sealed',
		className: 'SealedInfoSessionManager',
		argument: `{ keys: [env.${KEYS}] }`,
	},
};

/** Plans the files of a Worker. */
export function workerFiles(choices: Choices): RuntimeFiles {
	const { authentication, hasTasks, name, sessions } = choices;
	const isObject = sessions === 'session-object';
	const info = isObject ? undefined : INFO[infoOf(sessions)];
	const objects = objectsOf(choices, info);
	const secrets = [KEYS, ...itemsIf(hasPrincipal(choices), TOKENS)];
	const usesEnv = sessions === 'sealed' || hasPrincipal(choices);
	return {
		files: {
			'src/index.ts': isObject ? objectEntry(choices) : handlerEntry(choices, info),
			...(hasPrincipal(choices) && { 'src/principal.ts': workerPrincipal }),
			...(usesEnv && { 'src/env.d.ts': environment(secrets) }),
		},
		json: { 'wrangler.jsonc': configuration(name, sessions, objects, secrets) },
		secrets: { '.dev.vars': { [KEYS]: createKey, ...tokenSecrets(authentication) } },
		scripts: { dev: 'wrangler dev', deploy: 'wrangler deploy' },
		dependencies: [
			...(isObject ? ['@tmcp-sessions/session-object'] : ['@tmcp-sessions/streams-durable-object']),
			...(info ? [`@tmcp-sessions/${info.packageName}`] : []),
			...(hasTasks ? ['@tmcp-sessions/tasks', '@tmcp-sessions/tasks-durable-object'] : []),
		],
		devDependencies: ['@cloudflare/workers-types', 'wrangler'],
		compilerOptions: {
			module: 'esnext',
			moduleResolution: 'bundler',
			types: ['@cloudflare/workers-types'],
		},
		folders: ['src'],
		ignored: ['.wrangler', '.*.vars'],
		next: [
			'npm install',
			'npx wrangler dev',
			'npx @tmcp-sessions/cli probe http://localhost:8787/mcp',
		],
	};
}

function infoOf(sessions: Sessions): keyof typeof INFO {
	return sessions === 'durable-object' || sessions === 'sealed' ? sessions : 'kv';
}

type Objects = readonly (readonly [className: string, binding: string])[];

function objectsOf({ hasTasks, sessions }: Choices, info: InfoManager | undefined): Objects {
	if (sessions === 'session-object') return [['Sessions', 'SESSIONS']];
	return [
		['SyncLayer', 'TMCP_DURABLE_OBJECT'],
		...(info?.object ? [info.object] : []),
		...(hasTasks ? ([['TaskObject', 'TMCP_TASK_OBJECT']] as const) : []),
	];
}

function configuration(
	name: string,
	sessions: Sessions,
	objects: Objects,
	secrets: readonly string[],
): Record<string, unknown> {
	return {
		$schema: './node_modules/wrangler/config-schema.json',
		name,
		main: 'src/index.ts',
		compatibility_date: COMPATIBILITY_DATE,
		compatibility_flags: ['nodejs_compat'],
		durable_objects: {
			bindings: objects.map(([className, binding]) => ({ name: binding, class_name: className })),
		},
		migrations: [{ tag: 'v1', new_sqlite_classes: objects.map(([className]) => className) }],
		...(sessions === 'kv' && { kv_namespaces: [{ binding: 'TMCP_SESSION_INFO' }] }),
		secrets: { required: secrets },
	};
}

function handlerEntry(choices: Choices, info: InfoManager = INFO.kv): string {
	const { hasTasks, library, sessions } = choices;
	const { argument, className, object, packageName } = info;
	const lines = [
		HANDLERS[library].import,
		`import { ${className} } from '@tmcp-sessions/${packageName}';`,
		'import {',
		'	DurableObjectStreamSessionManager,',
		'	DurableObjectSubscriptionManager,',
		"} from '@tmcp-sessions/streams-durable-object';",
		...itemsIf(
			hasTasks,
			"import { DurableObjectTasks } from '@tmcp-sessions/tasks-durable-object';",
		),
		...itemsIf(sessions === 'sealed', "import { env } from 'cloudflare:workers';"),
		...itemsIf(hasPrincipal(choices), "import { principal } from './principal.ts';"),
		"import { createServer } from './server.ts';",
		'',
		'// The Durable Object classes of wrangler.jsonc.',
		"export { SyncLayer } from '@tmcp-sessions/streams-durable-object';",
		...(object ? [`export { ${object[0]} } from '@tmcp-sessions/${packageName}';`] : []),
		...itemsIf(hasTasks, "export { TaskObject } from '@tmcp-sessions/tasks-durable-object';"),
		'',
		`export default ${HANDLERS[library].create}`,
		'	streams: new DurableObjectStreamSessionManager(),',
		'	subscriptions: new DurableObjectSubscriptionManager(),',
		`	info: new ${className}(${argument}),`,
		...itemsIf(hasTasks, '	tasks: new DurableObjectTasks({ tools: { generate_report: {} } }),'),
		...itemsIf(hasPrincipal(choices), '	principal,'),
		'});',
	];
	return `${lines.join('\n')}\n`;
}

function objectEntry(choices: Choices): string {
	const isSdk = choices.library === 'sdk';
	const lines = [
		...itemsIf(isSdk, "import { sdkServer } from '@tmcp-sessions/sdk';"),
		"import { SessionObject, createSessionRouter } from '@tmcp-sessions/session-object';",
		...itemsIf(hasPrincipal(choices), "import { principal } from './principal.ts';"),
		"import { createServer } from './server.ts';",
		'',
		'/** Runs the server of one session. Pass `session` to your tools for state that survives evictions. */',
		'export class Sessions extends SessionObject {',
		'	createServer() {',
		`		return ${isSdk ? 'sdkServer(createServer)' : 'createServer()'};`,
		'	}',
		'}',
		'',
		hasPrincipal(choices)
			? "export default createSessionRouter({ object: 'SESSIONS', principal });"
			: "export default createSessionRouter({ object: 'SESSIONS' });",
	];
	return `${lines.join('\n')}\n`;
}

function environment(secrets: readonly string[]): string {
	return `/** The secrets of this Worker. \`wrangler types\` generates such a file for all bindings. */
declare namespace Cloudflare {
	interface Env {
${secrets.map((secret) => `		readonly ${secret}: string;\n`).join('')}	}
}
`;
}
