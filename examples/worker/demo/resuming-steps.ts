import { expectThat, within } from './expectation.ts';
import type { Scene } from './scene.ts';
import type { Step } from './story.ts';

const chapter = 'Connections that are lost (@modelcontextprotocol/sdk)';
const PROMPTS_CHANGED = 'notifications/prompts/list_changed';
/** A call that is older than a second can be resumed. */
const BEFORE_THE_CUT_MS = 1_600;

/** What a client misses while its connection is down, it gets when it comes back, on any Worker. */
export const resumingSteps: Step<Scene>[] = [
	{
		chapter,
		title: 'The stream on A is cut; what B announces meanwhile is replayed on B, once',
		play: async ({ session }) => {
			session.inbox.clear();
			const cut = session.streamEnded;
			session.cut('GET');
			await within(5_000, 'the end of the stream', cut);
			await session.call('b', 'announce_change', { what: 'prompts' });
			await session.on('b', () => session.inbox.take(PROMPTS_CHANGED, 10_000));
			await session.call('a', 'announce_change', { what: 'tools' });
			await session.inbox.take('notifications/tools/list_changed');
			const more = session.inbox.count(PROMPTS_CHANGED);
			expectThat(more === 0, 'it once', `it ${more + 1} times`);
			return 'prompts/list_changed, raised while no stream was up, and then what came next';
		},
	},
	{
		chapter,
		title: 'A call on A loses its client in the middle; the client fetches the answer on B',
		play: async ({ session }) => {
			const calling = session.client.callTool({ name: 'proofread_notes' });
			await new Promise((resolve) => setTimeout(resolve, BEFORE_THE_CUT_MS));
			const answer = await session.on('b', async () => {
				session.cut('POST');
				return calling;
			});
			const text = JSON.stringify(answer.content);
			expectThat(text.includes('Notes read: '), 'the answer of the call', text);
			return 'cut after 1.6 s of 2.5 s, resumed with Last-Event-ID, answered';
		},
	},
];
