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

type Manager = Pick<StreamSessionManager, 'create' | 'send'>;
const managers = new Map<string, Manager>();
const received = new Map<string, number>();

/**
 * Opens streams without clients: the managers' own sockets to their object, hundreds in one request,
 * so that the object alone is measured.
 *
 * `/open?object=&from=&count=` opens streams and holds them. `/?object=&times=&count=` publishes `times`
 * messages in sequence, to the first `count` sessions or, without it, to all, and returns how many
 * messages have arrived.
 */
export default {
	async fetch(request: Request): Promise<Response> {
		const { pathname, searchParams } = new URL(request.url);
		const object = searchParams.get('object') ?? '';
		const [from, count, times] = ['from', 'count', 'times'].map((name) =>
			Number(searchParams.get(name)),
		) as [number, number, number]; // Safe because there are three names.
		const sessions = Array.from({ length: count }, (_, index) => `session-${from + index}`);
		if (pathname === '/open') {
			await Promise.all(sessions.map((session) => openStream(object, session)));
			return heldResponse();
		}
		for (let time = 0; time < times; time += 1) {
			await managerOf(object).send(count > 0 ? sessions : undefined, FRAME);
		}
		return new Response(String(received.get(object) ?? 0));
	},
};

/** Opens a stream and counts its messages. */
async function openStream(object: string, session: string): Promise<void> {
	const { promise: opened, resolve, reject } = Promise.withResolvers<void>();
	const stream = new ReadableStream<Uint8Array>({
		start(controller) {
			Promise.resolve(managerOf(object).create(session, controller)).then(resolve, reject);
		},
	});
	await opened;
	const write = (): void => void received.set(object, (received.get(object) ?? 0) + 1);
	stream.pipeTo(new WritableStream({ write })).catch(() => {}); // The count lacks what does not arrive.
}

/** A response that does not end keeps its request alive, and so the sockets. */
function heldResponse(): Response {
	const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
	const hold = async (): Promise<void> => {
		const writer = writable.getWriter();
		for (;;) {
			await writer.write(new TextEncoder().encode('open\n'));
			await scheduler.wait(HOLD_MS);
		}
	};
	hold().catch(() => {}); // The measurement cancels the response when it ends.
	return new Response(readable);
}

function managerOf(object: string): Manager {
	const Manager = object.startsWith('Ours') ? DurableObjectStreamSessionManager : UpstreamManager;
	const manager = managers.get(object) ?? new Manager(object);
	managers.set(object, manager);
	return manager;
}
