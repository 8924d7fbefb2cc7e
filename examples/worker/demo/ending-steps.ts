import { expectThat, within } from './expectation.ts';
import { endpoint } from './notes-workers.ts';
import type { Scene } from './scene.ts';
import type { Step } from './story.ts';

const chapter = 'The end of a session';

/** What is left of a session that was ended: nothing, on any Worker. */
export const endingSteps: Step<Scene>[] = [
	{
		chapter,
		title:
			'The session is ended on A; its stream closes, B knows it no more, its subscription is gone',
		play: async (scene) => {
			const { session, witness } = scene;
			await witness.open('a');
			await witness.streamOpened;
			await witness.client.subscribeResource({ uri: 'notes://all' });

			const id = session.transport.sessionId ?? '';
			await session.on('a', () => session.transport.terminateSession());
			await within(5_000, 'the end of its stream on A', session.streamEnded);
			await session.client.close();

			const known = await whoamiOnB(scene, id);
			const told = await streamOfEndedSession(scene, id);
			return `stream closed; B ${known}; ${told}`;
		},
	},
];

async function whoamiOnB(scene: Scene, id: string): Promise<string> {
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
	expectThat(body.includes('"name":null'), 'a client that B does not know', body);
	return 'knows no client for it';
}

/** Opens a stream with the ended id: the witness is told of an update, that stream is not. */
async function streamOfEndedSession({ workers, witness }: Scene, id: string): Promise<string> {
	const response = await fetch(endpoint(workers, 'b'), {
		headers: { accept: 'text/event-stream', 'mcp-session-id': id },
	});
	if (response.status === 404 || response.body === null) return 'a stream for it is refused';
	witness.inbox.clear();
	await witness.call('b', 'announce_change', { what: 'notes' });
	await witness.inbox.take('notifications/resources/updated');
	await witness.call('b', 'announce_change', { what: 'tools' });

	let heard = '';
	const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
	const untilListChanged = async (): Promise<void> => {
		while (!heard.includes('tools/list_changed')) {
			const { value, done } = await reader.read();
			if (done) return;
			heard += value;
		}
	};
	await within(5_000, 'tools/list_changed on a new stream', untilListChanged(), () => heard);
	await reader.cancel();
	expectThat(!heard.includes('resources/updated'), 'no update for its old subscription', heard);
	return 'its old subscription is told of nothing';
}
