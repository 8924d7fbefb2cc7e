import { fnv1a } from '@tmcp-sessions/core/internal';
import type { JSONRPCRequest } from 'json-rpc-2.0';

import { changeKindOf, MAX_URI_HASHES } from './change-kind.ts';
import type { ChangeKind } from './change-kind.ts';

/** The changes that a subscription selects, or that an object can send to its clients. */
export interface ChangeInterests {
	readonly kinds: readonly ChangeKind[];
	/** Hashes of the URIs to filter updates by. `undefined` selects all updates. */
	readonly uris?: readonly number[] | undefined;
}

/** An object that receives published changes. */
export interface ChangeReceiver {
	/** The object's id, as 64 hexadecimal characters. */
	readonly object: string;
	/** Identifies this registration: a message about an earlier one changes nothing. */
	readonly token: string;
	readonly interests: ChangeInterests;
}

/** A change as a shard sends it to an object. */
export interface NumberedChange {
	/** Increases with each change of the shard: an object skips those that it has received. */
	readonly sequence: number;
	readonly notification: JSONRPCRequest;
}

/** The result of a delivery. `gone`: the object does not have the registration. */
export type DeliveryOutcome = 'gone' | 'received';

/** The method of an object that receives changes. */
export interface ChangeReceiverRpc {
	receiveChanges(token: string, changes: readonly NumberedChange[]): Promise<DeliveryOutcome>;
}

/** The change that a notification reports. */
export interface ReportedChange {
	readonly kind: ChangeKind;
	/** The hash of the URI, for an update. */
	readonly uri?: number | undefined;
}

/** Returns the change that a notification reports, or `undefined` for other notifications. */
export function reportedChange(notification: JSONRPCRequest): ReportedChange | undefined {
	const { method } = notification;
	const params: unknown = notification.params;
	const kind = changeKindOf(method);
	if (kind !== 'updates') return kind && { kind };
	const uri: unknown = typeof params === 'object' && params && 'uri' in params && params.uri;
	return typeof uri === 'string' ? { kind, uri: fnv1a(uri) } : undefined;
}

/** Returns whether the interests select a change. URIs are compared by hashes, which may collide. */
export function isInterested(
	{ kinds, uris }: ChangeInterests,
	{ kind, uri }: ReportedChange,
): boolean {
	return kinds.includes(kind) && (uri === undefined || !uris || uris.includes(uri));
}

/** Returns what any of the parts selects, in a canonical order. `undefined` if none selects anything. */
export function mergedInterests(parts: readonly ChangeInterests[]): ChangeInterests | undefined {
	const kinds = [...new Set(parts.flatMap((part) => part.kinds))].toSorted();
	if (kinds.length === 0) return undefined;
	const withUpdates = parts.filter((part) => part.kinds.includes('updates'));
	if (withUpdates.length === 0) return { kinds };
	const uris = new Set(withUpdates.flatMap((part) => part.uris ?? []));
	const areFiltered = withUpdates.every((part) => part.uris) && uris.size <= MAX_URI_HASHES;
	return { kinds, uris: areFiltered ? [...uris].toSorted((one, other) => one - other) : undefined };
}

/** Returns whether `all` selects everything that `some` selects. */
export function includesInterests(all: ChangeInterests, some: ChangeInterests): boolean {
	if (!some.kinds.every((kind) => all.kinds.includes(kind))) return false;
	if (!some.kinds.includes('updates') || !all.uris) return true;
	const uris = new Set(all.uris);
	return some.uris?.every((uri) => uris.has(uri)) === true;
}
