import { createKey } from '../keys/create-key.ts';
import type { Authentication, Choices, Sessions } from './choices.ts';
import { HANDLERS, hasPrincipal, itemsIf } from './handler-code.ts';
import {
	PROVIDER_IMPORT,
	PROVIDER_NAMESPACE,
	providerEntry,
	providerEnvironment,
	providerFiles,
	providerSecrets,
	providerSteps,
	providerVariables,
} from './oauth-files.ts';
import { probeSteps, tokenSecrets, workerPrincipal } from './principal-file.ts';
import type { RuntimeFiles } from './runtime-files.ts';

/** The date that the packages are tested with. */
const COMPATIBILITY_DATE = '2026-07-01';
const KEYS = 'TMCP_SESSION_KEYS';

const TASKS_IMPORT = "import { DurableObjectTasks } from '@tmcp-sessions/tasks-durable-object';";
const TASKS_EXPORT = "export { TaskObject } from '@tmcp-sessions/tasks-durable-object';";
const CREATE_TASKS = 'new DurableObjectTasks({ tools: { generate_report: {} } })';

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
	const { authentication, hasTasks, sessions } = choices;
	const isObject = sessions === 'session-object';
	const isProvider = authentication === 'oauth-provider';
	const info = isObject ? undefined : INFO[infoOf(sessions)];
	const secrets: RuntimeFiles['secrets'][string] = {
		[KEYS]: createKey,
		...tokenSecrets(authentication),
		...(isProvider && providerSecrets),
	};
	const usesEnv = sessions === 'sealed' || authentication !== 'none';
	return {
		files: {
			'src/index.ts': isObject ? objectEntry(choices) : handlerEntry(choices, info),
			...(authentication === 'bearer' && { 'src/principal.ts': workerPrincipal }),
			...(isProvider && providerFiles),
			...(usesEnv && { 'src/env.d.ts': environment(Object.keys(secrets), isProvider) }),
		},
		json: { 'wrangler.jsonc': configuration(choices, info, Object.keys(secrets)) },
		secrets: { '.dev.vars': secrets },
		scripts: { dev: 'wrangler dev', deploy: 'wrangler deploy' },
		dependencies: [
			...(isObject ? ['@tmcp-sessions/session-object'] : ['@tmcp-sessions/streams-durable-object']),
			...(info ? [`@tmcp-sessions/${info.packageName}`] : []),
			...itemsIf(isProvider, '@cloudflare/workers-oauth-provider'),
			...(hasTasks ? ['@tmcp-sessions/tasks', '@tmcp-sessions/tasks-durable-object'] : []),
		],
		devDependencies: [
			'@cloudflare/workers-types',
			...itemsIf(isProvider, '@modelcontextprotocol/client'),
			'wrangler',
		],
		compilerOptions: {
			module: 'esnext',
			moduleResolution: 'bundler',
			types: ['@cloudflare/workers-types'],
		},
		folders: ['src'],
		ignored: ['.wrangler', '.*.vars'],
		next: isProvider
			? providerSteps
			: [
					'npm install',
					'npx wrangler dev',
					...probeSteps('http://localhost:8787/mcp', authentication),
				],
	};
}

function infoOf(sessions: Sessions): keyof typeof INFO {
	return sessions === 'durable-object' || sessions === 'sealed' ? sessions : 'kv';
}

type Objects = readonly (readonly [className: string, binding: string])[];

function objectsOf({ hasTasks, sessions }: Choices, info: InfoManager | undefined): Objects {
	const tasks: Objects = hasTasks ? [['TaskObject', 'TMCP_TASK_OBJECT']] : [];
	if (sessions === 'session-object') return [['Sessions', 'SESSIONS'], ...tasks];
	return [['SyncLayer', 'TMCP_DURABLE_OBJECT'], ...(info?.object ? [info.object] : []), ...tasks];
}

function configuration(
	choices: Choices,
	info: InfoManager | undefined,
	secrets: readonly string[],
): Record<string, unknown> {
	const objects = objectsOf(choices, info);
	const isProvider = choices.authentication === 'oauth-provider';
	const namespaces = [
		...itemsIf(choices.sessions === 'kv', 'TMCP_SESSION_INFO'),
		...itemsIf(isProvider, PROVIDER_NAMESPACE),
	];
	return {
		$schema: './node_modules/wrangler/config-schema.json',
		name: choices.name,
		main: 'src/index.ts',
		compatibility_date: COMPATIBILITY_DATE,
		compatibility_flags: ['nodejs_compat'],
		durable_objects: {
			bindings: objects.map(([className, binding]) => ({ name: binding, class_name: className })),
		},
		migrations: [{ tag: 'v1', new_sqlite_classes: objects.map(([className]) => className) }],
		...(namespaces.length > 0 && { kv_namespaces: namespaces.map((binding) => ({ binding })) }),
		...(isProvider && { vars: providerVariables }),
		secrets: { required: secrets },
	};
}

function handlerEntry(choices: Choices, info: InfoManager = INFO.kv): string {
	const { authentication, hasTasks, library, sessions } = choices;
	const { argument, className, object, packageName } = info;
	const isProvider = authentication === 'oauth-provider';
	const lines = [
		...itemsIf(isProvider, PROVIDER_IMPORT),
		HANDLERS[library].import,
		`import { ${className} } from '@tmcp-sessions/${packageName}';`,
		'import {',
		'	DurableObjectStreamSessionManager,',
		'	DurableObjectSubscriptionManager,',
		"} from '@tmcp-sessions/streams-durable-object';",
		...itemsIf(hasTasks, TASKS_IMPORT),
		...itemsIf(sessions === 'sealed' || isProvider, "import { env } from 'cloudflare:workers';"),
		...authenticationImports(authentication),
		"import { createServer } from './server.ts';",
		'',
		'// The Durable Object classes of wrangler.jsonc.',
		"export { SyncLayer } from '@tmcp-sessions/streams-durable-object';",
		...(object ? [`export { ${object[0]} } from '@tmcp-sessions/${packageName}';`] : []),
		...itemsIf(hasTasks, TASKS_EXPORT),
		'',
		`${isProvider ? 'const mcp =' : 'export default'} ${HANDLERS[library].create}`,
		'	streams: new DurableObjectStreamSessionManager(),',
		'	subscriptions: new DurableObjectSubscriptionManager(),',
		`	info: new ${className}(${argument}),`,
		...itemsIf(hasTasks, `	tasks: ${CREATE_TASKS},`),
		...itemsIf(isProvider, '	oauth: { verify },'),
		...itemsIf(hasPrincipal(choices), '	principal,'),
		'});',
		...itemsIf(isProvider, ...providerEntry),
	];
	return `${lines.join('\n')}\n`;
}

function objectEntry(choices: Choices): string {
	const { authentication, hasTasks, library } = choices;
	const isSdk = library === 'sdk';
	const isProvider = authentication === 'oauth-provider';
	const options = [
		"object: 'SESSIONS'",
		...itemsIf(isProvider, 'oauth: { verify }'),
		...itemsIf(hasPrincipal(choices), 'principal'),
		...itemsIf(hasTasks, 'tasks'),
	];
	const lines = [
		...itemsIf(isProvider, PROVIDER_IMPORT),
		...itemsIf(isSdk, "import { sdkServer } from '@tmcp-sessions/sdk';"),
		"import { SessionObject, createSessionRouter } from '@tmcp-sessions/session-object';",
		...itemsIf(hasTasks, TASKS_IMPORT),
		...itemsIf(isProvider, "import { env } from 'cloudflare:workers';"),
		...authenticationImports(authentication),
		"import { createServer } from './server.ts';",
		'',
		...itemsIf(hasTasks, TASKS_EXPORT, '', `const tasks = ${CREATE_TASKS};`, ''),
		'/** Runs the server of one session. Pass `session` to your tools for state that survives evictions. */',
		'export class Sessions extends SessionObject {',
		...itemsIf(hasTasks, '	override readonly settings = { tasks };', ''),
		'	createServer() {',
		`		return ${isSdk ? 'sdkServer(createServer)' : 'createServer()'};`,
		'	}',
		'}',
		'',
		`${isProvider ? 'const mcp =' : 'export default'} createSessionRouter({ ${options.join(', ')} });`,
		...itemsIf(isProvider, ...providerEntry),
	];
	return `${lines.join('\n')}\n`;
}

function authenticationImports(authentication: Authentication): readonly string[] {
	if (authentication === 'bearer') return ["import { principal } from './principal.ts';"];
	if (authentication === 'none') return [];
	return [
		"import { authorize } from './authorize.ts';",
		"import { principal, verify } from './caller.ts';",
	];
}

function environment(secrets: readonly string[], isProvider: boolean): string {
	const fields = secrets.map((secret) => `		readonly ${secret}: string;\n`).join('');
	return `/** The environment of this Worker. \`wrangler types\` generates such a file for all bindings. */
declare namespace Cloudflare {
	interface Env {
${fields}${isProvider ? providerEnvironment : ''}	}
}
`;
}
