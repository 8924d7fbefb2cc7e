import { configurationError } from '../configuration-error.ts';

/**
 * Returns the path of an endpoint without a slash at its end.
 *
 * @param option the name of the option that sets it.
 * @throws {TmcpSessionsError} `configuration` for anything but a path.
 */
export function endpointPath(option: string, path: string): string {
	// Compared as URLs normalize it, which is how requests have it.
	if (
		typeof path !== 'string' ||
		!path.startsWith('/') ||
		new URL(path, 'http://localhost').pathname !== path
	) {
		throw configurationError(
			`${option} must be a path that starts with a slash, such as /mcp, without a query; got ${path}`,
		);
	}
	return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** Whether a request is for an endpoint: clients and proxies add a slash at the end of its path. */
export function isForPath(pathname: string, path: string): boolean {
	return pathname === path || pathname === `${path}/`;
}
