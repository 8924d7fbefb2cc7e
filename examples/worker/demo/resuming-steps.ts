import { expectThat, within } from './expectation.ts';
import type { Scene } from './scene.ts';
import type { Step } from './story.ts';

const chapter = 'Lost connections (@modelcontextprotocol/sdk)';
const PROMPTS_CHANGED = 'notifications/prompts/list_changed';
/** A call becomes resumable when it is a second old. */
const BEFORE_THE_CUT_MS = 1_600;

/** A client that reconnects, to any Worker, receives what it missed. */
export const resumingSteps: Step<Scene>[] = [
	{
		chapter,
		title: 'The stream on A is cut; a change that B announces meanwhile is replayed on B, once',
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
			return 'prompts/list_changed, raised while no stream was open, then the next change';
		},
	},
	{
		chapter,
		title: 'A call on A loses its connection; the client resumes on B and gets the response',
		play: async ({ session }) => {
			const pending = session.client.callTool({ name: 'proofread_notes' });
			await new Promise((resolve) => setTimeout(resolve, BEFORE_THE_CUT_MS));
			const result = await session.on('b', async () => {
				session.cut('POST');
				return pending;
			});
			const text = JSON.stringify(result.content);
			expectThat(text.includes('Notes read: '), 'the result of the call', text);
			return 'cut after 1.6 s of 2.5 s, resumed with Last-Event-ID';
		},
	},
];
