import { TmcpSessionsError } from '@tmcp-sessions/core';

import { HttpRejection } from '../request/http-rejection.ts';
import type { CachedHeaders } from '../request/cached-headers.ts';

/** Which pages may call, and by which names. */
export interface OriginOptions {
	readonly allowedHosts?: readonly string[] | true | undefined;
	readonly allowedOrigins?: string | readonly string[] | true | undefined;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|(?:[\w-]+\.)+localhost)$/;

/** Whether a host is this machine, by whatever name. */
export function isLoopback(hostname: string): boolean {
	return LOOPBACK.test(hostname);
}

/**
 * Refuses what a page of someone else's may have sent. A browser that was tricked into taking
 * another host for this machine (DNS rebinding) sends that host's name, and an `Origin` that fits
 * it: so one that only fits the `Host` proves nothing, unless a certificate vouches for the host.
 */
export class OriginGuard {
	readonly #hosts: ReadonlySet<string> | true;
	readonly #origins: ReadonlySet<string> | true;

	/** @throws {TmcpSessionsError} `configuration`, for what is no host or no origin. */
	constructor({ allowedHosts = [], allowedOrigins = [] }: OriginOptions) {
		this.#hosts = allowedHosts === true || new Set(allowedHosts.map(hostOf));
		this.#origins = allowedOrigins === true || new Set([allowedOrigins].flat().map(originOf));
	}

	/** @throws {HttpRejection} 403, where the host or the origin is not allowed. */
	check(headers: CachedHeaders, url: URL): void {
		if (!this.#allowsHost(url)) {
			throw forbidden('This host is not served here; name it in allowedHosts to serve it');
		}
		const origin = headers.get('origin');
		if (origin !== null && !this.#allowsOrigin(origin, url)) {
			throw forbidden('This origin may not call; name it in allowedOrigins to let it');
		}
	}

	#allowsHost(url: URL): boolean {
		// Before any look at the address: on workerd each is a call out of JavaScript.
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

/** A page of this machine: not that of an extension or an app, which has a scheme of its own. */
function isLoopbackOrigin(origin: string): boolean {
	return /^https?:/.test(origin) && URL.canParse(origin) && isLoopback(new URL(origin).hostname);
}

/** As a URL spells it. */
function hostOf(host: string): string {
	if (/^[^/@?#\s]+$/.test(host) && URL.canParse(`https://${host}`)) {
		return new URL(`https://${host}`).host;
	}
	throw notAllowed('allowedHosts', 'hosts such as mcp.example.com', host);
}

/** As a browser spells it. Apps have origins that are no URLs of a host: they stay as they are. */
function originOf(origin: string): string {
	if (!URL.canParse(origin)) {
		throw notAllowed('allowedOrigins', 'origins such as https://app.example.com', origin);
	}
	const { origin: spelled } = new URL(origin);
	return spelled === 'null' ? origin : spelled;
}

function notAllowed(option: string, expected: string, found: string): TmcpSessionsError {
	const message = `${option} takes ${expected}; found ${JSON.stringify(found)}`;
	return new TmcpSessionsError('configuration', 'http', message);
}

function forbidden(message: string): HttpRejection {
	return new HttpRejection({ status: 403, code: -32600, message });
}
