import type { AuthorizeSubscription, SubscriptionContext } from '../options.ts';
import { errorMessage, invalidParams } from '../request/http-rejection.ts';
import { idOf, isObject, methodOf, paramsOf } from '../request/json-rpc.ts';
import type { JsonObject } from '../request/json-rpc.ts';
import { currentContext } from '../request/request-context.ts';
import { principalOf } from '../session/authenticator.ts';

/** More uris of one subscription are rejected if each has to be authorized. */
const MAX_URIS = 1_000;

/** The caller of a subscription. */
export interface Subscriber extends SubscriptionContext {
	/** As `RequestContext.principal`. */
	readonly principal: string;
}

/** The message with those subscriptions that its caller may open, or the error that rejects it. */
export type Authorized<Message> =
	{ readonly message: Message } | { readonly rejection: JsonObject };

/** Authorizes a message. Returns `undefined` for one that subscribes to no resource. */
export function authorizedMessage<Message extends object>(
	authorize: AuthorizeSubscription,
	message: Message,
): Promise<Authorized<Message>> | undefined {
	const method = methodOf(message);
	const params = paramsOf(message);
	const { auth = null, principal = '' } = currentContext()?.origin ?? {};
	if (method === 'resources/subscribe') {
		return subscribe(authorize, message, { auth, principal, isStateless: false });
	}
	const { notifications } = params;
	if (method !== 'subscriptions/listen' || !isObject(notifications)) return undefined;
	return listen(authorize, message, notifications, { auth, principal, isStateless: true });
}

/** Returns the requested notifications without the resources that the caller may not subscribe to. */
export async function authorizedNotifications(
	authorize: AuthorizeSubscription,
	notifications: JsonObject,
	{ principal, ...context }: Subscriber,
): Promise<JsonObject> {
	const { resourceSubscriptions: uris } = notifications;
	if (!Array.isArray(uris)) return notifications;
	const allowed = await Promise.all(
		uris.map(
			async (uri: unknown) =>
				// The server rejects a uri that is no string.
				typeof uri !== 'string' || authorize(principalOf(principal), uri, context),
		),
	);
	return { ...notifications, resourceSubscriptions: uris.filter((_uri, index) => allowed[index]) };
}

async function subscribe<Message extends object>(
	authorize: AuthorizeSubscription,
	message: Message,
	{ principal, ...context }: Subscriber,
): Promise<Authorized<Message>> {
	const { uri } = paramsOf(message);
	// The server rejects a uri that is no string.
	if (typeof uri !== 'string' || (await authorize(principalOf(principal), uri, context))) {
		return { message };
	}
	const rejection = invalidParams('this client may not subscribe to the uri; choose another one');
	return { rejection: errorMessage(rejection, idOf(message)) };
}

async function listen<Message extends object>(
	authorize: AuthorizeSubscription,
	message: Message,
	notifications: JsonObject,
	subscriber: Subscriber,
): Promise<Authorized<Message>> {
	const { resourceSubscriptions: uris } = notifications;
	if (Array.isArray(uris) && uris.length > MAX_URIS) {
		const found = `at most ${MAX_URIS} resourceSubscriptions; got ${uris.length}`;
		const rejection = invalidParams(
			`a subscription must have ${found}. Open several subscriptions`,
		);
		return { rejection: errorMessage(rejection, idOf(message)) };
	}
	const authorized = await authorizedNotifications(authorize, notifications, subscriber);
	const params = { ...paramsOf(message), notifications: authorized };
	return { message: { ...message, params } };
}
