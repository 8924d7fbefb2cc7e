import { expectThat, within } from './expectation.ts';
import { evictSyncLayer } from './notes-workers.ts';
import { listEverything } from './offered.ts';
import type { Scene } from './scene.ts';
import { statelessVersion } from './stateless-client.ts';
import type { Step } from './story.ts';

const changes = ['notifications/tools/list_changed', 'notifications/resources/updated'];

const chapter = 'Stateless client, 2026-07-28 (@modelcontextprotocol/client)';

/** Stateless revision: a change raised on one Worker reaches a subscription on the other. */
export const statelessSteps: Step<Scene>[] = [
	{
		chapter,
		title: `A client of ${statelessVersion} opens a subscription on A`,
		play: async (scene) => {
			await scene.stateless.open('a');
			scene.subscription = await scene.stateless.client.listen({
				toolsListChanged: true,
				resourceSubscriptions: ['notes://all'],
			});
			const { honoredFilter } = scene.subscription;
			expectThat(
				honoredFilter.toolsListChanged === true &&
					honoredFilter.resourceSubscriptions?.[0] === 'notes://all',
				'both kinds of change honored',
				honoredFilter,
			);
			return 'honored: changes of the tools, updates of notes://all';
		},
	},
	{
		chapter,
		title: 'The client lists tools, resources and prompts',
		play: ({ stateless }) => listEverything(stateless.client),
	},
	{
		chapter,
		title: 'B announces both kinds of change; the subscription on A receives them',
		play: announceBoth,
	},
	{
		chapter,
		title:
			'The Durable Object is evicted; the subscription stays open and receives the next changes',
		play: async (scene) => {
			const evicted = await evictSyncLayer(scene.workers);
			expectThat(evicted > 0, 'an object in memory to evict', 'none');
			return `${evicted} object evicted, then ${await announceBoth(scene)}`;
		},
	},
	{
		chapter,
		title:
			'A tool on A requests input; the client calls again on B with the input (multi round trip)',
		play: async ({ session, stateless }) => {
			await session.call('a', 'add_note', { text: 'short-lived' });
			const text = await stateless.call(['a', 'b'], 'clear_notes');
			const [elicitation] = stateless.elicitations;
			expectThat(
				elicitation === 'Delete all notes?',
				'the elicitation',
				elicitation ?? 'no elicitation',
			);
			expectThat(
				stateless.callWorkers.join() === 'a,b',
				'a call on A, then one on B',
				stateless.callWorkers.join(),
			);
			expectThat(text === 'Notes deleted: 1', '"Notes deleted: 1"', text);
			return `A asked "${elicitation}", B received the confirmation: ${text}`;
		},
	},
	{
		chapter,
		title: 'The client closes the subscription',
		play: async ({ subscription }) => {
			expectThat(subscription !== undefined, 'an open subscription', 'none');
			await subscription.close();
			const cause = await within(5_000, 'the end of the subscription', subscription.closed);
			expectThat(cause === 'local', 'a close by the client', `a close that was ${cause}`);
			return 'closed by the client';
		},
	},
];

async function announceBoth({ session, stateless }: Scene): Promise<string> {
	await session.call('b', 'announce_change', { what: 'tools' });
	await session.call('b', 'announce_change', { what: 'notes' });
	const respondedAt = performance.now();
	for (const change of changes) await stateless.inbox.take(change);
	const elapsedMs = performance.now() - respondedAt;
	const received = changes.map((change) => change.replace('notifications/', '')).join(' and ');
	return `${received}, the last ${elapsedMs.toFixed(1)} ms after the response of B`;
}
