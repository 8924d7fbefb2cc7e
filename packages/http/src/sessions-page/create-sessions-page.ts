import { StoreError, TmcpSessionsError } from '@tmcp-sessions/core';
import { createReporter } from '@tmcp-sessions/core/backend';
import { checkSecrets, createSealing, parseSecrets } from '@tmcp-sessions/core/internal';
import type { Sealing } from '@tmcp-sessions/core/internal';

import { configurationError } from '../configuration-error.ts';
import type { SessionsPage, SessionsPageManagers, SessionsPageOptions } from './options.ts';
import { readSessions } from './read-sessions.ts';
import { renderSessions } from './render-sessions.ts';

const DEFAULT_PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 100;
const MAX_RESOURCE_LENGTH = 2_048;

/** Headers of every response. */
const HEADERS = {
	'cache-control': 'no-store',
	'content-type': 'text/html; charset=utf-8',
	'referrer-policy': 'no-referrer',
	'x-content-type-options': 'nosniff',
	'x-frame-options': 'DENY',
	'x-robots-tag': 'noindex',
};

/**
 * Creates a page for operators that lists live sessions, with their streams, tasks and age. It shows the
 * hash of each id that `onError` gets, too, and changes nothing.
 *
 * @throws {TmcpSessionsError} `configuration`, if there is no `authorize`, or an option is invalid.
 */
export function createSessionsPage(
	managers: SessionsPageManagers,
	options: SessionsPageOptions,
): SessionsPage {
	const { authorize, keys, onError, pageSize = DEFAULT_PAGE_SIZE } = options;
	if (typeof authorize !== 'function') {
		throw configurationError(
			`authorize must be a function; got ${typeof authorize}. The page is never open to everyone`,
		);
	}
	if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > MAX_PAGE_SIZE) {
		throw configurationError(
			`pageSize must be an integer from 1 to ${MAX_PAGE_SIZE}; got ${pageSize}`,
		);
	}
	const secrets = parseSecrets(keys);
	checkSecrets(secrets, 'http', 'the option keys of createSessionsPage needs keys');
	const report = createReporter(onError);
	const sealing = createSealing(secrets, 'tmcp-sessions sessions page');
	return {
		async fetch(request, env, context) {
			try {
				const decision: unknown = await authorize(request, env, context);
				if (decision === 'forbidden') return refusal(403, 'Forbidden');
				if (decision !== true) {
					const challenge = { 'www-authenticate': 'Basic realm="Live sessions", charset="UTF-8"' };
					return refusal(401, 'Authentication required', challenge);
				}
				if (request.method !== 'GET' && request.method !== 'HEAD') {
					return refusal(405, 'Method not allowed', { allow: 'GET, HEAD' });
				}
				return await answer(request, managers, { sealing, pageSize });
			} catch (error) {
				report(error);
				return error instanceof StoreError
					? refusal(503, 'The store cannot be reached', { 'retry-after': '5' })
					: refusal(500, 'The page failed: the log has the reason');
			}
		},
	};
}

interface PageDeps {
	readonly sealing: Sealing;
	readonly pageSize: number;
}

async function answer(
	request: Request,
	managers: SessionsPageManagers,
	{ pageSize, sealing }: PageDeps,
): Promise<Response> {
	const { searchParams } = new URL(request.url);
	const resource = searchParams.get('resource') ?? '';
	if (resource.length > MAX_RESOURCE_LENGTH) return refusal(400, 'The resource is too long');
	const sealed = searchParams.get('cursor');
	const cursor = sealed === null ? undefined : (await sealing.open(sealed, ''))?.text;
	if (sealed !== null && cursor === undefined)
		return refusal(400, 'The link is not valid any more');
	let page;
	try {
		page = await readSessions(managers, { cursor, limit: pageSize, resource });
	} catch (error) {
		// The store does not know the cursor: it is one of an earlier deployment.
		if (cursor === undefined || !isConfiguration(error)) throw error;
		return refusal(400, 'The link is not valid any more');
	}
	const next = page.cursor === undefined ? undefined : await sealing.seal(page.cursor, '');
	const nonce = crypto.randomUUID();
	const html = renderSessions({ ...page, next, nonce, nowMs: Date.now(), resource });
	return new Response(request.method === 'HEAD' ? null : html, {
		headers: {
			...HEADERS,
			'content-security-policy': `${LOCKED}; style-src 'nonce-${nonce}'; form-action 'self'`,
		},
	});
}

/** Nothing loads, no page shows this one in a frame. */
const LOCKED = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";

function isConfiguration(error: unknown): boolean {
	return error instanceof TmcpSessionsError && error.code === 'configuration';
}

function refusal(status: number, text: string, headers: Record<string, string> = {}): Response {
	return new Response(`${text}\n`, {
		status,
		headers: {
			...HEADERS,
			'content-type': 'text/plain; charset=utf-8',
			'content-security-policy': LOCKED,
			...headers,
		},
	});
}
