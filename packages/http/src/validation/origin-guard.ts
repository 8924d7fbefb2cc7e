import type { TmcpSessionsError } from '@tmcp-sessions/core';

import { configurationError } from '../configuration-error.ts';
import { invalidRequest } from '../request/http-rejection.ts';
import type { CachedHeaders } from '../request/cached-headers.ts';

/** The hosts that the server answers for, and the origins that may call it. */
export interface OriginOptions {
	readonly allowedHosts?: readonly string[] | true | undefined;
	readonly allowedOrigins?: string | readonly string[] | true | undefined;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|(?:[\w-]+\.)+localhost)$/;

/** Whether a host name is one of this machine. */
export function isLoopback(hostname: string): boolean {
	return LOOPBACK.test(hostname);
}

/**
 * Rejects requests that a foreign page may have sent. After DNS rebinding, a browser sends the
 * attacker's host name and an `Origin` that matches it. A matching `Host` therefore proves nothing,
 * unless a certificate vouches for the host.
 */
export class OriginGuard {
	readonly #hosts: ReadonlySet<string> | true;
	readonly #origins: ReadonlySet<string> | true;

	/** @throws {TmcpSessionsError} `configuration` for an invalid host or origin. */
	constructor({ allowedHosts = [], allowedOrigins = [] }: OriginOptions) {
		this.#hosts = allowedHosts === true || new Set(allowedHosts.map(hostOf));
		this.#origins = allowedOrigins === true || new Set([allowedOrigins].flat().map(originOf));
	}

	/** @throws {HttpRejection} 403 if the host or the origin is not allowed. */
	check(headers: CachedHeaders, url: URL): void {
		if (!this.#allowsHost(url)) {
			throw invalidRequest('Host not allowed: add it to allowedHosts', 403);
		}
		const origin = headers.get('origin');
		if (origin !== null && !this.#allowsOrigin(origin, url)) {
			throw invalidRequest('Origin not allowed: add it to allowedOrigins', 403);
		}
	}

	#allowsHost(url: URL): boolean {
		// Hot path: on workerd each property of a URL is a call out of JavaScript.
		if (this.#hosts === true) return true;
		const { protocol, hostname, host } = url;
		if (isLoopback(hostname)) return true;
		if (this.#hosts.size === 0) return protocol === 'https:';
		return this.#hosts.has(hostname) || this.#hosts.has(host);
	}

	#allowsOrigin(origin: string, url: URL): boolean {
		if (this.#origins === true || this.#origins.has(origin)) return true;
		if (origin === url.origin) return true;
		return isLoopback(url.hostname) && isLoopbackOrigin(origin);
	}
}

/** Extensions and apps on this machine have a scheme of their own, and are not allowed. */
function isLoopbackOrigin(origin: string): boolean {
	return /^https?:/.test(origin) && URL.canParse(origin) && isLoopback(new URL(origin).hostname);
}

/** Normalizes a host as a URL does. */
function hostOf(host: string): string {
	if (/^[^/@?#\s]+$/.test(host) && URL.canParse(`https://${host}`)) {
		return new URL(`https://${host}`).host;
	}
	throw invalidOption('allowedHosts', 'hosts such as mcp.example.com', host);
}

/** Normalizes an origin as a browser does. Origins of apps, which are no URLs of a host, stay as they are. */
function originOf(origin: string): string {
	if (!URL.canParse(origin)) {
		throw invalidOption('allowedOrigins', 'origins such as https://app.example.com', origin);
	}
	const { origin: normalized } = new URL(origin);
	return normalized === 'null' ? origin : normalized;
}

function invalidOption(option: string, expected: string, found: string): TmcpSessionsError {
	return configurationError(`${option} must hold ${expected}; got ${JSON.stringify(found)}`);
}
