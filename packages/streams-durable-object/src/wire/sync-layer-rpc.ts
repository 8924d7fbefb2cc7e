import type { CallEvents } from '@tmcp-sessions/core/backend';

import type { Publication } from './publication.ts';

/** The methods of a `SyncLayer` that Workers and other shards call. Session ids are URI encoded. */
interface SyncLayerMethods {
	fetch(request: Request): Promise<Response>;
	publish(publications: readonly Publication[], version?: number): Promise<string[]>;
	addShard(shard: string, token: string): void;
	removeShard(shard: string, token: string): void;
	has(session: string): boolean;
	delete(session: string): void;
	keepCall(session: string, events: CallEvents, client?: string, version?: number): void;
	deliver(session: string, message: string, call?: string): number;
}

export type SyncLayerRpc = Rpc.DurableObjectBranded & SyncLayerMethods;
