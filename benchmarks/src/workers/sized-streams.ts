import {
	DurableObjectStreamSessionManager,
	SyncLayer,
} from '@tmcp-sessions/streams-durable-object';
import {
	DurableObjectStreamSessionManager as UpstreamManager,
	SyncLayer as UpstreamSyncLayer,
} from '@tmcp/session-manager-durable-objects';
import type { StreamSessionManager } from '@tmcp/session-manager';

const FRAME =
	'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n';
const HOLD_MS = 1_000;

// Each class has its own binding, so objects with different numbers of streams exist side by side.
export class OursA extends SyncLayer {}
export class OursB extends SyncLayer {}
export class OursC extends SyncLayer {}
export class OursD extends SyncLayer {}
export class UpstreamA extends UpstreamSyncLayer {}
export class UpstreamB extends UpstreamSyncLayer {}
export class UpstreamC extends UpstreamSyncLayer {}
export class UpstreamD extends UpstreamSyncLayer {}

const managers = new Map<string, Pick<StreamSessionManager, 'create' | 'send'>>();
const received = new Map<string, number>();

/**
 * Opens streams without clients: the managers' own sockets to their object, hundreds in one request,
 * so that the object alone is measured.
 *
 * `/open?object=&from=&count=` opens streams and holds them. `/publish?object=&times=&to=` publishes
 * `times` messages in sequence, to the first `to` sessions or, without it, to all.
 * `/received?object=` returns how many messages arrived.
 */
export default {
	async fetch(request: Request): Promise<Response> {
		const { pathname, searchParams } = new URL(request.url);
		const object = searchParams.get('object') ?? '';
		const number = (name: string): number => Number(searchParams.get(name));
		if (pathname === '/open') return open(object, number('from'), number('count'));
		if (pathname === '/publish') return publish(object, number('times'), searchParams.get('to'));
		return new Response(String(received.get(object) ?? 0));
	},
};

async function open(object: string, from: number, count: number): Promise<Response> {
	await Promise.all(Array.from({ length: count }, (_, index) => openStream(object, from + index)));
	// A response that does not end keeps its request alive, and so the sockets.
	const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
	const hold = async (): Promise<void> => {
		const writer = writable.getWriter();
		for (;;) {
			await writer.write(new TextEncoder().encode('open\n'));
			await new Promise((resolve) => setTimeout(resolve, HOLD_MS));
		}
	};
	hold().catch(() => {}); // The measurement cancels the response when it ends.
	return new Response(readable);
}

/** Opens a stream and counts its messages. */
async function openStream(object: string, index: number): Promise<void> {
	const { promise: opened, resolve, reject } = Promise.withResolvers<void>();
	const stream = new ReadableStream<Uint8Array>({
		start(controller) {
			Promise.resolve(managerOf(object).create(sessionId(index), controller)).then(resolve, reject);
		},
	});
	await opened;
	const reader = stream.getReader();
	const count = async (): Promise<void> => {
		for (let next = await reader.read(); !next.done; next = await reader.read()) {
			received.set(object, (received.get(object) ?? 0) + 1);
		}
	};
	count().catch(() => {}); // Messages that do not arrive are missing from the count.
}

async function publish(object: string, times: number, to: string | null): Promise<Response> {
	const sessions =
		to === null ? undefined : Array.from({ length: Number(to) }, (_, index) => sessionId(index));
	for (let time = 0; time < times; time += 1) await managerOf(object).send(sessions, FRAME);
	return new Response(String(received.get(object) ?? 0));
}

function managerOf(object: string): Pick<StreamSessionManager, 'create' | 'send'> {
	const existing = managers.get(object);
	if (existing) return existing;
	const manager = object.startsWith('Ours')
		? new DurableObjectStreamSessionManager(object)
		: new UpstreamManager(object);
	managers.set(object, manager);
	return manager;
}

function sessionId(index: number): string {
	return `session-${index}`;
}
