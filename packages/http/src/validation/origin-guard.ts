import type { TmcpSessionsError } from '@tmcp-sessions/core';

import { configurationError } from '../configuration-error.ts';
import { invalidRequest } from '../request/http-rejection.ts';
import type { HttpRejection } from '../request/http-rejection.ts';
import type { CachedHeaders } from '../request/cached-headers.ts';
import { isLoopback, isLoopbackAddress } from '../request/loopback.ts';

/** The hosts that the server answers for, and the origins that may call it. */
export interface OriginOptions {
	readonly allowedHosts?: readonly string[] | true | undefined;
	readonly cors?: true | string | readonly string[] | undefined;
}

/** Names that can be repeated in a message. */
const PRINTABLE_HOST = /^[\w.:[\]-]{1,100}$/;

/**
 * Rejects requests that a foreign page may have sent. After DNS rebinding, a browser sends the
 * attacker's host name and an `Origin` that matches it. A matching `Host` therefore proves nothing,
 * unless a certificate vouches for the host.
 */
export class OriginGuard {
	readonly #hosts: ReadonlySet<string> | true;
	readonly #origins: ReadonlySet<string> | true;
	/** Hot path: on workerd each property of a URL is a call out of JavaScript. */
	#lastAllowed: URL | undefined;

	/** @throws {TmcpSessionsError} `configuration` for an invalid host or origin. */
	constructor({ allowedHosts = [], cors = [] }: OriginOptions) {
		this.#hosts = allowedHosts === true || new Set(allowedHosts.map(hostOf));
		this.#origins = cors === true || new Set([cors].flat().map(originOf));
	}

	/** Whether the answer to a page depends on its origin. */
	get variesByOrigin(): boolean {
		return this.#origins !== true && this.#origins.size > 0;
	}

	/** @throws {HttpRejection} 403 if the host or the origin is not allowed. */
	check(headers: CachedHeaders, url: URL): void {
		if (url !== this.#lastAllowed && !this.#allowsHost(url))
			throw this.#hostRejection(headers, url);
		this.#lastAllowed = url;
		const origin = headers.get('origin');
		if (origin === null) return;
		if (!this.#allowsOrigin(origin, url)) throw originRejection(headers, origin, url);
		// Local development servers take the scheme from X-Forwarded-Proto (miniflare 5), which a page can
		// set after DNS rebinding. Only the certificate of a remote server vouches for its own pages.
		if (!this.#isConfigured(origin, url) && !isLoopback(url.hostname) && isFromLoopback(headers)) {
			throw this.#hostRejection(headers, url);
		}
	}

	/** Returns the `Access-Control-Allow-Origin` for the page of a request; undefined if none may read. */
	readableBy(headers: CachedHeaders, request: Pick<Request, 'url'>): string | undefined {
		if (this.#origins === true) return '*';
		const origin = headers.getUnbounded('origin');
		if (origin === null) return undefined;
		if (this.#origins.has(origin)) return origin;
		// Pages of this machine, in development.
		const isLocal = isLoopbackOrigin(origin) && isLoopback(new URL(request.url).hostname);
		return isLocal ? origin : undefined;
	}

	#allowsHost(url: URL): boolean {
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

	/** Whether the deployment names the host or the origin. */
	#isConfigured(origin: string, { hostname, host }: URL): boolean {
		if (this.#origins === true || this.#origins.has(origin) || this.#hosts === true) return true;
		return this.#hosts.has(hostname) || this.#hosts.has(host);
	}

	/** Never advises to allow every host: any page could then call the server by DNS rebinding. */
	#hostRejection(headers: CachedHeaders, { host, protocol }: URL): HttpRejection {
		const subject = PRINTABLE_HOST.test(host) ? `Host ${host}` : 'The host of the request is';
		if (isFromLoopback(headers)) return notAllowed(subject, IN_DEVELOPMENT);
		const namesNone = this.#hosts === true || this.#hosts.size === 0;
		return notAllowed(subject, protocol === 'http:' && namesNone ? OVER_HTTP : ADD_HOST);
	}
}

const ADD_HOST = ': add it to allowedHosts';
const OVER_HTTP =
	' over plain http, where no certificate vouches for it: use https or localhost. If a proxy ends ' +
	'TLS in front of the server, add the public host to allowedHosts';
/** For a request from this machine that names another host. */
const IN_DEVELOPMENT =
	' for a request from this machine. wrangler dev replaces localhost by the host of a route: start it ' +
	'with --infer-origin-from-routes=false, or set "dev": { "host": "localhost" } in wrangler.jsonc. ' +
	'Add the host of a tunnel to allowedHosts';
const ADD_ORIGIN = ': add it to the cors option of the server';

function originRejection(headers: CachedHeaders, origin: string, url: URL): HttpRejection {
	const isRenamed =
		isLoopbackOrigin(origin) && !isLoopback(url.hostname) && isFromLoopback(headers);
	return notAllowed('Origin', isRenamed ? IN_DEVELOPMENT : ADD_ORIGIN);
}

function notAllowed(subject: string, advice: string): HttpRejection {
	return invalidRequest(`${subject} not allowed${advice}`, 403);
}

/**
 * Whether the client runs on the machine of the server. `wrangler dev` sets the address; on Cloudflare
 * it is never a local one.
 */
function isFromLoopback(headers: CachedHeaders): boolean {
	return isLoopbackAddress(headers.get('cf-connecting-ip') ?? '');
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
	throw invalidOption('allowedHosts must', 'hosts such as mcp.example.com', host);
}

/** Normalizes an origin as a browser does. Origins of apps, which are no URLs of a host, stay as they are. */
function originOf(origin: unknown): string {
	if (typeof origin !== 'string' || !URL.canParse(origin)) {
		throw invalidOption('cors must be true, or', 'origins such as https://app.example.com', origin);
	}
	const { origin: normalized } = new URL(origin);
	return normalized === 'null' ? origin : normalized;
}

function invalidOption(rule: string, expected: string, found: unknown): TmcpSessionsError {
	return configurationError(`${rule} hold ${expected}; got ${JSON.stringify(found)}`);
}
