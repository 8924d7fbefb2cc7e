import { environmentsOf, textOf } from '../declared-bindings.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import type { ConfigPath, WranglerConfig } from '../read-config.ts';
import type { Entry } from '../read-entry.ts';
import { fieldName, literalText, resolved } from '../syntax.ts';
import { endpointsOf } from './endpoint.ts';

/** Checks that `wrangler dev` keeps the host of this machine although the Worker has routes. */
export function* checkDevHost({ config, entry }: Project): Generator<Problem> {
	const route = config.get('route') ?? config.list('routes')[0];
	const pattern = typeof route === 'string' ? route : textOf(route, 'pattern');
	if (pattern === undefined || config.get('dev', 'host') !== undefined) return;
	const hosts = allowedHostsOf(entry);
	if (hosts === 'computed' || hosts?.includes(hostOf(pattern)) === true) return;
	const path = config.get('route') === undefined ? ['routes'] : ['route'];
	yield {
		rule: 'dev-host',
		severity: 'warning',
		file: config.file,
		line: config.lineOf(...path),
		message: `wrangler dev replaces localhost by the host of the route ${pattern}: there, every request gets a 403`,
		fix: 'run npx wrangler dev --infer-origin-from-routes=false, or set "dev": { "host": "localhost" }',
		repair: { kind: 'edit-config', path: ['dev', 'host'], value: 'localhost' },
	};
}

interface Route {
	/** Without its scheme. */
	readonly pattern: string;
	readonly isCustomDomain: boolean;
	readonly path: ConfigPath;
}

/** Checks that the Worker has an address, and that its routes reach the endpoint. */
export function* checkAddress({ config, entry }: Project): Generator<Problem> {
	const endpoints = endpointsOf(entry);
	if (endpoints.length === 0) return;
	for (const { name, root } of environmentsOf(config)) {
		const where = name === '' ? '' : ` of the environment ${name}`;
		const routes = routesOf(config, root);
		const problem = (severity: Problem['severity'], path: ConfigPath): Problem => ({
			rule: 'address',
			severity,
			file: config.file,
			line: config.lineOf(...path),
			message: '',
			fix: '',
		});
		const at = [...root, 'workers_dev'];
		const isOff = (field: string): boolean =>
			(config.get(...root, field) ?? config.get(field)) === false;
		// Without previews, too, it is a Worker that only service bindings reach.
		if (routes.length === 0 && isOff('workers_dev') && !isOff('preview_urls')) {
			yield {
				...problem('warning', config.get(...at) === undefined ? ['workers_dev'] : at),
				message: `"workers_dev" is false and there are no "routes"${where}: the Worker has no address`,
				fix:
					'remove "workers_dev", or add "routes": [{ "pattern": "mcp.example.com", "custom_domain": true }]. ' +
					'If only service bindings reach it, set "preview_urls": false, too',
			};
		}
		for (const { isCustomDomain, path, pattern } of routes) {
			if (!isCustomDomain || !/[/*]/.test(pattern)) continue;
			yield {
				...problem('error', path),
				message: `a custom domain is a host; found ${pattern}, with a path or a wildcard`,
				fix: `write "${pattern.replace(/^[^\w]*|[/*].*$/g, '')}", or leave "custom_domain" out`,
			};
		}
		const [first] = routes;
		const isReached = routes.some(
			({ isCustomDomain, pattern }) =>
				isCustomDomain || endpoints.some(({ path }) => path === undefined || covers(pattern, path)),
		);
		const endpoint = endpoints.find(({ path }) => path !== undefined)?.path;
		if (first === undefined || isReached || endpoint === undefined) continue;
		yield {
			...problem('error', first.path),
			message: `no route${where} covers the endpoint ${endpoint}; found ${routes.map(({ pattern }) => pattern).join(', ')}`,
			fix: `end the pattern with ${endpoint}*, or set the option path of the handler`,
		};
	}
}

/** Checks that handlers accept the hosts of all routes, if the code lists hosts. */
export function* checkAllowedHosts({ config, entry }: Project): Generator<Problem> {
	const hosts = allowedHostsOf(entry);
	if (!Array.isArray(hosts)) return;
	for (const { root } of environmentsOf(config)) {
		for (const { path, pattern } of routesOf(config, root)) {
			const host = hostOf(pattern);
			if (hosts.includes(host) || host.includes('*')) continue;
			yield {
				rule: 'address',
				severity: 'error',
				file: config.file,
				line: config.lineOf(...path),
				message: `allowedHosts does not name ${host}, the host of a route: every request to it gets a 403; found ${hosts.join(', ')}`,
				fix: `add '${host}' to allowedHosts, or correct the route`,
			};
		}
	}
}

function routesOf(config: WranglerConfig, root: ConfigPath): Route[] {
	const isOwn = ['route', 'routes'].some((field) => config.get(...root, field) !== undefined);
	const from = isOwn ? root : [];
	const single = config.get(...from, 'route');
	const listed = config.list(...from, 'routes').map((value, index) => ({
		value,
		path: [...from, 'routes', index],
	}));
	return [
		...(single === undefined ? [] : [{ value: single, path: [...from, 'route'] }]),
		...listed,
	].flatMap(({ path, value }) => {
		const pattern = typeof value === 'string' ? value : textOf(value, 'pattern');
		if (pattern === undefined) return [];
		const isCustomDomain = Reflect.get(Object(value) as object, 'custom_domain') === true;
		return [{ pattern: pattern.replace(/^https?:\/\//, ''), isCustomDomain, path }];
	});
}

/** Returns the hosts that a handler accepts if the code lists them; `undefined` without the option. */
function allowedHostsOf({ syntax }: Entry): readonly string[] | 'computed' | undefined {
	for (const node of syntax.nodes) {
		if (node.type !== 'Property' || fieldName(node) !== 'allowedHosts') continue;
		const value = resolved(syntax, node.value);
		if (value.type !== 'ArrayExpression') return 'computed';
		const hosts = value.elements.map(literalText);
		return hosts.every((host) => host !== undefined) ? hosts : 'computed';
	}
	return undefined;
}

/** Returns the host of a route such as `https://example.com/api/*`. */
function hostOf(pattern: string): string {
	return pattern.replace(/^https?:\/\//, '').replace(/\/.*/, '');
}

/** Whether a route such as `example.com/api/*` matches requests to a path. */
function covers(pattern: string, path: string): boolean {
	const slash = pattern.indexOf('/');
	// Without a path, the route is that of the root; a wildcard at the end of the host spans paths.
	const ofPath = slash === -1 ? (pattern.endsWith('*') ? '*' : '/') : pattern.slice(slash);
	const [start = '', ...rest] = ofPath.split('*');
	return rest.length > 0 ? path.startsWith(start) : path === start;
}
