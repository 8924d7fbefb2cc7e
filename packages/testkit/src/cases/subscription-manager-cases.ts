import { sleep } from '@tmcp-sessions/core/backend';
import type { Subscription, SubscriptionManager } from '@tmcp/session-manager';
import { expect } from 'vitest';

/** The subscription manager that a case tests. */
export interface SubscriptionsUnderTest {
	readonly manager: SubscriptionManager;
	/** The manager of another isolate over the same backend; `manager` itself if it has one isolate only. */
	readonly elsewhere: SubscriptionManager;
	/** Evicts the objects of the backend from memory, as after 10 s of idleness. Subscriptions stay open. */
	evict(): Promise<void>;
}

/** The arguments of a case. */
export interface SubscriptionsSubject extends SubscriptionsUnderTest {
	/** Returns a text that no other case uses, ending in `label`: an origin, or part of a URI. */
	unique(label: string): string;
}

/** One requirement of every subscription manager. `run` rejects if the manager violates it. */
export interface SubscriptionsCase {
	readonly name: string;
	run(subject: SubscriptionsSubject): Promise<void>;
}

/** Creates the managers for one case. The backend may hold data of other cases. */
export type SubscriptionsFactory = () => SubscriptionsUnderTest | Promise<SubscriptionsUnderTest>;

const SILENCE_MS = 50;
const ARRIVAL_MS = 5_000;

/** A client of a subscription that records its events. */
class RecordingClient {
	readonly events: string[] = [];
	/** Delays the acknowledgement until it resolves. */
	acknowledging: () => Promise<void> = () => Promise.resolve();

	create(manager: SubscriptionManager, subscription: Subscription): Promise<boolean> {
		const created = manager.create(subscription, {
			acknowledge: async () => {
				await this.acknowledging();
				this.events.push('acknowledged');
			},
			send: ({ method, params }) => {
				this.events.push(`${method} ${JSON.stringify(params)}`);
			},
			close: (reason) => {
				this.events.push(`closed: ${reason}`);
			},
		});
		return Promise.resolve(created);
	}

	async until(event: string): Promise<void> {
		const deadline = Date.now() + ARRIVAL_MS;
		while (!this.events.includes(event)) {
			if (Date.now() > deadline) {
				throw new Error(`expected ${event}; found ${JSON.stringify(this.events)}`);
			}
			await sleep(2);
		}
	}
}

function updated(uri: string): { jsonrpc: '2.0'; method: string; params: { uri: string } } {
	return { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } };
}

function updatedEvent(uri: string): string {
	return `notifications/resources/updated ${JSON.stringify({ uri })}`;
}

export const subscriptionManagerCases: readonly SubscriptionsCase[] = [
	{
		name: 'M6 subscription-delivery: sends the acknowledgement first, and then the notifications before it in order',
		async run({ manager, elsewhere, unique }) {
			const uri = unique('uri');
			const client = new RecordingClient();
			const gate = Promise.withResolvers<void>();
			const reached = Promise.withResolvers<void>();
			client.acknowledging = () => {
				reached.resolve();
				return gate.promise;
			};
			const created = client.create(manager, {
				id: 1,
				origin: unique('origin'),
				filters: { resourceSubscriptions: [uri, `${uri}2`] },
			});
			await Promise.race([reached.promise, created]);
			const sending = Promise.all([
				elsewhere.send(updated(uri)),
				elsewhere.send(updated(`${uri}2`)),
			]);
			await sleep(SILENCE_MS);
			expect(client.events).toEqual([]);
			gate.resolve();
			expect(await created).toBe(true);
			await sending;
			await client.until(updatedEvent(`${uri}2`));
			expect(client.events).toEqual(['acknowledged', updatedEvent(uri), updatedEvent(`${uri}2`)]);
		},
	},
	{
		name: 'M6 subscription-delivery: sends only what the filters select, and compares whole uris',
		async run({ manager, elsewhere, unique }) {
			const uri = unique('file:///a');
			const client = new RecordingClient();
			await client.create(manager, {
				id: 'filtered',
				origin: unique('origin'),
				filters: { resourceSubscriptions: [uri] },
			});
			for (const method of ['tools', 'prompts', 'resources']) {
				const params = {};
				await elsewhere.send({
					jsonrpc: '2.0',
					method: `notifications/${method}/list_changed`,
					params,
				});
			}
			await elsewhere.send(updated(`${uri}:b`));
			await elsewhere.send(updated(uri));
			await client.until(updatedEvent(uri));
			expect(client.events).toEqual(['acknowledged', updatedEvent(uri)]);
		},
	},
	{
		name: 'M8 notifications-across-isolates: sends a change of each kind in another isolate once, through evictions',
		async run({ manager, elsewhere, evict, unique }) {
			const uri = unique('uri');
			const client = new RecordingClient();
			await client.create(manager, {
				id: 'everything',
				origin: unique('origin'),
				filters: {
					toolsListChanged: true,
					promptsListChanged: true,
					resourcesListChanged: true,
					resourceSubscriptions: [uri],
				},
			});
			for (const method of ['tools', 'prompts', 'resources']) {
				await evict();
				const params = { marker: unique('') };
				await elsewhere.send({
					jsonrpc: '2.0',
					method: `notifications/${method}/list_changed`,
					params,
				});
				await client.until(`notifications/${method}/list_changed ${JSON.stringify(params)}`);
			}
			await evict();
			await elsewhere.send(updated(uri));
			await client.until(updatedEvent(uri));
			expect(client.events.filter((event) => event.includes(unique('')))).toHaveLength(4);
		},
	},
	{
		name: 'M6 subscription-delivery: tells 1 and "1" apart, and rejects an id that is open in its origin',
		async run({ manager, unique }) {
			const filters = { resourceSubscriptions: [unique('uri')] };
			const origin = unique('origin');
			const [number, text] = [new RecordingClient(), new RecordingClient()];
			expect(await number.create(manager, { id: 1, origin, filters })).toBe(true);
			expect(await text.create(manager, { id: '1', origin, filters })).toBe(true);
			expect(await new RecordingClient().create(manager, { id: 1, origin, filters })).toBe(false);
			const elsewhere = { id: 1, origin: unique('another origin'), filters };
			expect(await new RecordingClient().create(manager, elsewhere)).toBe(true);

			expect(await manager.close(1, origin, 'cancelled')).toBe(true);
			await number.until('closed: cancelled');
			await manager.send(updated(unique('uri')));
			await text.until(updatedEvent(unique('uri')));
			expect(number.events).toEqual(['acknowledged', 'closed: cancelled']);
		},
	},
	{
		name: 'M7 stream-end: sends nothing to a closed subscription, which can be opened again',
		async run({ manager, elsewhere, unique }) {
			const subscription = {
				id: 7,
				origin: unique('origin'),
				filters: { resourceSubscriptions: [unique('uri')] },
			};
			const first = new RecordingClient();
			await first.create(manager, subscription);
			expect(await manager.close(7, unique('origin'), 'closed')).toBe(true);
			expect(await manager.close(7, unique('origin'), 'closed')).toBe(false);
			expect(await manager.close(7, unique('no such origin'), 'closed')).toBe(false);

			const second = new RecordingClient();
			expect(await second.create(manager, subscription)).toBe(true);
			await elsewhere.send(updated(unique('uri')));
			await second.until(updatedEvent(unique('uri')));
			expect(first.events).toEqual(['acknowledged', 'closed: closed']);
		},
	},
	{
		name: 'closes all subscriptions of an origin and no others',
		async run({ manager, unique }) {
			const filters = { resourceSubscriptions: [unique('uri')] };
			const [one, two, other] = [
				new RecordingClient(),
				new RecordingClient(),
				new RecordingClient(),
			];
			await one.create(manager, { id: 1, origin: unique('origin'), filters });
			await two.create(manager, { id: 2, origin: unique('origin'), filters });
			await other.create(manager, { id: 1, origin: unique('other'), filters });
			await manager.closeAll(unique('origin'), 'cancelled');
			await manager.send(updated(unique('uri')));
			await other.until(updatedEvent(unique('uri')));
			expect(one.events).toEqual(['acknowledged', 'closed: cancelled']);
			expect(two.events).toEqual(['acknowledged', 'closed: cancelled']);
		},
	},
	{
		name: 'does not register a subscription whose acknowledgement fails',
		async run({ manager, unique }) {
			const subscription = {
				id: 1,
				origin: unique('origin'),
				filters: { resourceSubscriptions: [unique('uri')] },
			};
			const broken = new RecordingClient();
			broken.acknowledging = () => Promise.reject(new Error('the client has gone'));
			await expect(broken.create(manager, subscription)).rejects.toThrow('the client has gone');
			expect(await new RecordingClient().create(manager, subscription)).toBe(true);
		},
	},
];
