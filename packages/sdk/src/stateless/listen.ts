import { SERVER_INFO_META_KEY, SUBSCRIPTION_ID_META_KEY } from '@modelcontextprotocol/server';
import { idOf, isObject, paramsOf } from '@tmcp-sessions/http/server';
import type { JsonObject } from '@tmcp-sessions/http/server';
import type { SubscriptionManager } from '@tmcp/session-manager';

type Filters = Parameters<SubscriptionManager['create']>[0]['filters'];

/** What opens a subscription. */
export interface Listening {
	/** Creates the subscription. */
	readonly create: SubscriptionManager['create'];
	readonly origin: string;
	/** Sends a message on the stream of the subscription. */
	readonly send: (message: JsonObject) => void;
}

const INVALID_PARAMS = -32_602;

/**
 * Opens a subscription for a server of the SDK, as a tmcp server does. Resolves when it ends.
 *
 * Not the SDK's router: that acknowledges a subscription before it is registered, passes no uris to its
 * bus, and ends one that only observes tasks.
 */
export async function listen(
	message: JsonObject,
	{ create, origin, send }: Listening,
	receive: (discover: JsonObject) => Promise<JsonObject | null>,
): Promise<JsonObject> {
	const id = idOf(message) ?? 0;
	const { _meta: metadata, notifications } = paramsOf(message);
	const failed = (text: string): JsonObject => ({
		jsonrpc: '2.0',
		id,
		error: { code: INVALID_PARAMS, message: text },
	});
	if (!isObject(notifications)) {
		return failed('Invalid subscriptions/listen params: expected a notifications filter');
	}
	// The only way to a server's capabilities and name that the SDK documents.
	const discover = { jsonrpc: '2.0', id, method: 'server/discover', params: { _meta: metadata } };
	const discovered = await receive(discover);
	const result = isObject(discovered?.result) ? discovered.result : {};
	const filters = honoredSubset(notifications, result['capabilities']);
	const tag = { [SUBSCRIPTION_ID_META_KEY]: id };
	const tagged = (notification: object): JsonObject => {
		const params = paramsOf(notification);
		const own = isObject(params['_meta']) ? params['_meta'] : {};
		return { ...notification, params: { ...params, _meta: { ...own, ...tag } } };
	};
	const { promise: ended, resolve: end } = Promise.withResolvers<void>();
	const isCreated = await create(
		{ id, origin, filters },
		{
			acknowledge() {
				const method = 'notifications/subscriptions/acknowledged';
				send(tagged({ jsonrpc: '2.0', method, params: { notifications: filters } }));
			},
			send: (notification) => send(tagged(notification)),
			close: () => end(),
		},
	);
	if (!isCreated) return failed(`A subscription with id ${JSON.stringify(id)} is already active`);
	await ended;
	const info = isObject(result['_meta']) ? result['_meta'][SERVER_INFO_META_KEY] : undefined;
	const named = info === undefined ? tag : { ...tag, [SERVER_INFO_META_KEY]: info };
	return { jsonrpc: '2.0', id, result: { resultType: 'complete', _meta: named } };
}

/** Returns the requested notifications that a server declares. */
function honoredSubset(requested: JsonObject, declared: unknown): Filters {
	const declares = (name: string, flag: string): boolean => {
		const capability = isObject(declared) ? declared[name] : undefined;
		return isObject(capability) && capability[flag] === true;
	};
	const filters: Filters = {};
	for (const name of ['tools', 'prompts', 'resources'] as const) {
		const key = `${name}ListChanged` as const;
		if (requested[key] === true && declares(name, 'listChanged')) filters[key] = true;
	}
	const { resourceSubscriptions: uris } = requested as { resourceSubscriptions?: unknown };
	if (!Array.isArray(uris) || !declares('resources', 'subscribe')) return filters;
	const texts = uris.filter((uri) => typeof uri === 'string');
	return texts.length > 0 ? { ...filters, resourceSubscriptions: [...new Set(texts)] } : filters;
}
