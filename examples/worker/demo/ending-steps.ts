import { expectThat, within } from './expectation.ts';
import { endpoint } from './notes-workers.ts';
import type { Scene } from './scene.ts';
import type { Step } from './story.ts';

const chapter = 'The end of a session';

/** After DELETE no Worker knows the session, and its streams and subscriptions are gone. */
export const endingSteps: Step<Scene>[] = [
	{
		chapter,
		title: 'DELETE on A closes the stream; B no longer knows the session or its subscription',
		play: async (scene) => {
			const { session, witness } = scene;
			await witness.open('a');
			await witness.streamOpened;
			await witness.client.subscribeResource({ uri: 'notes://all' });

			const id = session.transport.sessionId ?? '';
			await session.on('a', () => session.transport.terminateSession());
			await within(5_000, 'the end of its stream on A', session.streamEnded);
			await session.client.close();

			const callResult = await callEndedSession(scene, id);
			const streamResult = await streamOfEndedSession(scene, id);
			return `stream closed; B ${callResult}; ${streamResult}`;
		},
	},
];

/** Calls a tool on B with the ended id. Workers KV may still return the record for up to a minute. */
async function callEndedSession(scene: Scene, id: string): Promise<string> {
	const response = await fetch(endpoint(scene.workers, 'b'), {
		method: 'POST',
		headers: {
			'content-type': 'application/json',
			accept: 'application/json, text/event-stream',
			'mcp-session-id': id,
		},
		body: JSON.stringify({
			jsonrpc: '2.0',
			id: 1,
			method: 'tools/call',
			params: { name: 'whoami' },
		}),
	});
	const body = await response.text();
	if (response.status === 404) return 'answers 404';
	expectThat(body.includes('"name":null'), 'no client name on B', body);
	return 'has no client for the id';
}

/** Opens a stream with the ended id: an update reaches the witness, and does not reach that stream. */
async function streamOfEndedSession({ workers, witness }: Scene, id: string): Promise<string> {
	const response = await fetch(endpoint(workers, 'b'), {
		headers: { accept: 'text/event-stream', 'mcp-session-id': id },
	});
	if (response.status === 404 || response.body === null) return 'a new stream is rejected';
	witness.inbox.clear();
	await witness.call('b', 'announce_change', { what: 'notes' });
	await witness.inbox.take('notifications/resources/updated');
	await witness.call('b', 'announce_change', { what: 'tools' });

	let received = '';
	const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
	const untilListChanged = async (): Promise<void> => {
		while (!received.includes('tools/list_changed')) {
			const { value, done } = await reader.read();
			if (done) return;
			received += value;
		}
	};
	await within(5_000, 'tools/list_changed on a new stream', untilListChanged(), () => received);
	await reader.cancel();
	expectThat(
		!received.includes('resources/updated'),
		'no update for its old subscription',
		received,
	);
	return 'its old subscription receives nothing';
}
