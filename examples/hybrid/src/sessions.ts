import type { PrincipalOf } from '@tmcp-sessions/http';
import { DurableObjectInfoSessionManager } from '@tmcp-sessions/info-durable-object';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';

/** Identifies the server. Both Workers are one server to a client. */
export const SERVER_INFO = { name: 'notebook', version: '1.0.0' };

/** What clients may rely on, whichever Worker answers. */
export const CAPABILITIES = {
	logging: {},
	tools: { listChanged: true },
	resources: { listChanged: true, subscribe: true },
};

/** A session belongs to its user in both Workers. */
const principal: PrincipalOf = (_request, auth) => auth?.clientId;

/** The options of both handlers: over the same objects and keys, they serve the same sessions. */
export const sessions = {
	streams: new DurableObjectStreamSessionManager(),
	subscriptions: new DurableObjectSubscriptionManager(),
	info: new DurableObjectInfoSessionManager(),
	principal,
};
