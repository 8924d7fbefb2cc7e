import { DurableObjectStreamSessionManager } from '@tmcp-sessions/streams-durable-object';
import { DurableObjectStreamSessionManager as UpstreamManager } from '@tmcp/session-manager-durable-objects';
import type { StreamSessionManager } from '@tmcp/session-manager';

const FRAME =
	'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n';
const KEPT_OPEN_MS = 1_000;

const managers = new Map<string, Pick<StreamSessionManager, 'create' | 'send'>>();
const received = new Map<string, number>();

/**
 * Streams without a client: the managers' own sockets to their object, hundreds in a request, so that
 * what is measured is the object.
 *
 * `/open?object=&from=&count=` opens streams and keeps them; `/publish?object=&times=&to=` publishes
 * as many times in sequence, to the first `to` sessions or, without it, to all; `/received?object=`
 * is how many messages came.
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
	await Promise.all(Array.from({ length: count }, (_, index) => openOne(object, from + index)));
	// An answer that goes on keeps its request, and so the sockets.
	const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
	const keeping = async (): Promise<void> => {
		const writer = writable.getWriter();
		for (;;) {
			await writer.write(new TextEncoder().encode('open\n'));
			await new Promise((resolve) => setTimeout(resolve, KEPT_OPEN_MS));
		}
	};
	void keeping().catch(() => {});
	return new Response(readable);
}

/** Opens a stream and counts what comes on it. */
async function openOne(object: string, index: number): Promise<void> {
	const { promise: opened, resolve, reject } = Promise.withResolvers<void>();
	const stream = new ReadableStream<Uint8Array>({
		start(controller) {
			Promise.resolve(managerOf(object).create(sessionOf(index), controller)).then(resolve, reject);
		},
	});
	await opened;
	const reader = stream.getReader();
	const counting = async (): Promise<void> => {
		for (let next = await reader.read(); !next.done; next = await reader.read()) {
			received.set(object, (received.get(object) ?? 0) + 1);
		}
	};
	counting().catch(() => {}); // What is missing is seen in the count.
}

async function publish(object: string, times: number, to: string | null): Promise<Response> {
	const sessions =
		to === null ? undefined : Array.from({ length: Number(to) }, (_, index) => sessionOf(index));
	for (let time = 0; time < times; time += 1) await managerOf(object).send(sessions, FRAME);
	return new Response(String(received.get(object) ?? 0));
}

function managerOf(object: string): Pick<StreamSessionManager, 'create' | 'send'> {
	const known = managers.get(object);
	if (known) return known;
	const manager = object.startsWith('Ours')
		? new DurableObjectStreamSessionManager(object)
		: new UpstreamManager(object);
	managers.set(object, manager);
	return manager;
}

function sessionOf(index: number): string {
	return `session-${index}`;
}
