import { expectThat, within } from './expectation.ts';
import { evictSyncLayer } from './notes-workers.ts';
import type { Scene } from './scene.ts';
import { statelessVersion } from './stateless-client.ts';
import type { Step } from './story.ts';

const changes = ['notifications/tools/list_changed', 'notifications/resources/updated'];

const chapter = '2026-07-28 (@modelcontextprotocol/client)';

/** The revision 2026-07-28: no session, and still every Worker's changes are heard on every other. */
export const statelessSteps: Step<Scene>[] = [
	{
		chapter,
		title: `A client of ${statelessVersion} listens on A`,
		play: async (scene) => {
			await scene.stateless.open('a');
			scene.listening = await scene.stateless.client.listen({
				toolsListChanged: true,
				resourceSubscriptions: ['notes://all'],
			});
			const { honoredFilter } = scene.listening;
			expectThat(
				honoredFilter.toolsListChanged === true &&
					honoredFilter.resourceSubscriptions?.[0] === 'notes://all',
				'both kinds of change granted',
				honoredFilter,
			);
			return 'granted: changes of the tools, updates of notes://all';
		},
	},
	{
		chapter,
		title: 'B announces both kinds of change, the listener on A is told',
		play: announceBoth,
	},
	{
		chapter,
		title: 'The Durable Object is evicted; the listener stays and is told again',
		play: async (scene) => {
			const evicted = await evictSyncLayer(scene.workers);
			expectThat(evicted > 0, 'an object in memory to evict', 'none');
			return `${evicted} object evicted, then ${await announceBoth(scene)}`;
		},
	},
	{
		chapter,
		title: 'A tool asks the user on A, and the answer is given to B (multi round trip)',
		play: async ({ session, stateless }) => {
			await session.call('a', 'add_note', { text: 'short-lived' });
			const answer = await stateless.call(['a', 'b'], 'clear_notes');
			const [question] = stateless.questions;
			expectThat(question === 'Delete all notes?', 'the question', question ?? 'no question');
			expectThat(
				stateless.calls.join() === 'a,b',
				'a call on A, then one on B',
				stateless.calls.join(),
			);
			expectThat(answer === 'Notes deleted: 1', '"Notes deleted: 1"', answer);
			return `A asked "${question}", B took the answer: ${answer}`;
		},
	},
	{
		chapter,
		title: 'The listener closes its subscription',
		play: async ({ listening }) => {
			expectThat(listening !== undefined, 'an open subscription', 'none');
			await listening.close();
			const how = await within(5_000, 'the end of the subscription', listening.closed);
			expectThat(how === 'local', 'an end by the client', `an end that was ${how}`);
			return 'closed by the client';
		},
	},
];

async function announceBoth({ session, stateless }: Scene): Promise<string> {
	await session.call('b', 'announce_change', { what: 'tools' });
	await session.call('b', 'announce_change', { what: 'notes' });
	const answered = performance.now();
	for (const change of changes) await stateless.inbox.take(change);
	const elapsedMs = performance.now() - answered;
	const told = changes.map((change) => change.replace('notifications/', '')).join(' and ');
	return `${told}, the last ${elapsedMs.toFixed(1)} ms after B had answered`;
}
