import type { ServerEvent } from '@modelcontextprotocol/server';
import { methodOf, paramsOf } from '@tmcp-sessions/http/server';
import type { JsonObject } from '@tmcp-sessions/http/server';

/** The method of a changed resource. */
export const UPDATED = 'notifications/resources/updated';

type Kind = ServerEvent['kind'];

const METHOD_BY_KIND: Readonly<Record<Kind, string>> = {
	tools_list_changed: 'notifications/tools/list_changed',
	prompts_list_changed: 'notifications/prompts/list_changed',
	resources_list_changed: 'notifications/resources/list_changed',
	resource_updated: UPDATED,
};

/** A notification that clients subscribe to. */
export interface ChangeNotification extends JsonObject {
	readonly jsonrpc: '2.0';
	readonly method: string;
	readonly params: JsonObject;
}

// Safe because these are the entries of the record above.
const KINDS: ReadonlyMap<string | undefined, Kind> = new Map(
	Object.entries(METHOD_BY_KIND).map(([kind, method]) => [method, kind as Kind] as const),
);

/** Returns the change that a message notifies of; undefined for any other message. */
export function changeIn(message: JsonObject): ChangeNotification | undefined {
	const method = methodOf(message);
	if (method === undefined || !KINDS.has(method) || message.id !== undefined) return undefined;
	return { jsonrpc: '2.0', method, params: paramsOf(message) };
}

/** Returns the notification of an event of the SDK's bus. */
export function notificationOf(event: ServerEvent): ChangeNotification {
	const method = METHOD_BY_KIND[event.kind];
	const uri = event.kind === 'resource_updated' ? { uri: event.uri } : undefined;
	return { jsonrpc: '2.0', method, params: { ...event.params, ...uri } };
}

/** Returns the event of the SDK's bus for a notification; undefined for any other notification. */
export function eventOf(notification: object): ServerEvent | undefined {
	const method = methodOf(notification);
	const kind = KINDS.get(method);
	if (!kind) return undefined;
	const params = paramsOf(notification);
	// The router forwards empty params too.
	const sent = Object.keys(params).length > 0 ? { params } : {};
	if (kind !== 'resource_updated') return { kind, ...sent };
	return typeof params.uri === 'string' ? { kind, uri: params.uri, ...sent } : undefined;
}
