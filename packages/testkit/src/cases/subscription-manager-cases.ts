import type { Subscription, SubscriptionManager } from '@tmcp/session-manager';
import { expect } from 'vitest';

import { sleep } from '../sleep.ts';

/** A subscription manager as the suite needs it. */
export interface SubscriptionsUnderTest {
	readonly manager: SubscriptionManager;
	/** The manager of another isolate over the same backend; where there is one only, that one. */
	readonly elsewhere: SubscriptionManager;
	/** Puts what serves the backend out of memory, as idleness would. Listeners stay open. */
	evict(): Promise<void>;
}

/** What a case works with. */
export interface SubscriptionsSubject extends SubscriptionsUnderTest {
	/** A text that no other case uses, ending in `label`: an origin, or part of a uri. */
	unique(label: string): string;
}

/** One thing that holds for every subscription manager. Rejects where it does not. */
export interface SubscriptionsCase {
	readonly name: string;
	run(subject: SubscriptionsSubject): Promise<void>;
}

/** Opens a subscription manager for one case; the backend may hold what other cases left there. */
export type SubscriptionsFactory = () => SubscriptionsUnderTest | Promise<SubscriptionsUnderTest>;

const SILENCE_MS = 50;
const ARRIVAL_MS = 5_000;

/** A listener that notes what it is told. */
class Listener {
	readonly events: string[] = [];
	/** What the acknowledgement waits for. */
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

function seen(uri: string): string {
	return `notifications/resources/updated ${JSON.stringify({ uri })}`;
}

export const subscriptionManagerCases: readonly SubscriptionsCase[] = [
	{
		name: 'M6 subscription-delivery: the acknowledgement comes first, and what came before it is told after it in order',
		async run({ manager, elsewhere, unique }) {
			const uri = unique('uri');
			const listener = new Listener();
			const gate = Promise.withResolvers<void>();
			listener.acknowledging = () => gate.promise;
			const created = listener.create(manager, {
				id: 1,
				origin: unique('origin'),
				filters: { resourceSubscriptions: [uri, `${uri}2`] },
			});
			await sleep(SILENCE_MS);
			const sending = Promise.all([
				elsewhere.send(updated(uri)),
				elsewhere.send(updated(`${uri}2`)),
			]);
			await sleep(SILENCE_MS);
			expect(listener.events).toEqual([]);
			gate.resolve();
			expect(await created).toBe(true);
			await sending;
			await listener.until(seen(`${uri}2`));
			expect(listener.events).toEqual(['acknowledged', seen(uri), seen(`${uri}2`)]);
		},
	},
	{
		name: 'M6 subscription-delivery: only what was asked for is told, and a uri is matched whole',
		async run({ manager, elsewhere, unique }) {
			const uri = unique('file:///a');
			const listener = new Listener();
			await listener.create(manager, {
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
			await listener.until(seen(uri));
			expect(listener.events).toEqual(['acknowledged', seen(uri)]);
		},
	},
	{
		name: 'M8 notifications-across-isolates: a change made in another isolate is told, each kind once, across evictions',
		async run({ manager, elsewhere, evict, unique }) {
			const uri = unique('uri');
			const listener = new Listener();
			await listener.create(manager, {
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
				await listener.until(`notifications/${method}/list_changed ${JSON.stringify(params)}`);
			}
			await evict();
			await elsewhere.send(updated(uri));
			await listener.until(seen(uri));
			expect(listener.events.filter((event) => event.includes(unique('')))).toHaveLength(4);
		},
	},
	{
		name: 'M6 subscription-delivery: an id keeps its JSON type, and an origin has each id once',
		async run({ manager, unique }) {
			const filters = { resourceSubscriptions: [unique('uri')] };
			const origin = unique('origin');
			const [number, text] = [new Listener(), new Listener()];
			expect(await number.create(manager, { id: 1, origin, filters })).toBe(true);
			expect(await text.create(manager, { id: '1', origin, filters })).toBe(true);
			expect(await new Listener().create(manager, { id: 1, origin, filters })).toBe(false);
			const elsewhere = { id: 1, origin: unique('another origin'), filters };
			expect(await new Listener().create(manager, elsewhere)).toBe(true);

			expect(await manager.close(1, origin, 'cancelled')).toBe(true);
			await number.until('closed: cancelled');
			await manager.send(updated(unique('uri')));
			await text.until(seen(unique('uri')));
			expect(number.events).toEqual(['acknowledged', 'closed: cancelled']);
		},
	},
	{
		name: 'M7 stream-end: a listener that was closed is told no more, and can be opened again',
		async run({ manager, elsewhere, unique }) {
			const subscription = {
				id: 7,
				origin: unique('origin'),
				filters: { resourceSubscriptions: [unique('uri')] },
			};
			const first = new Listener();
			await first.create(manager, subscription);
			expect(await manager.close(7, unique('origin'), 'closed')).toBe(true);
			expect(await manager.close(7, unique('origin'), 'closed')).toBe(false);
			expect(await manager.close(7, unique('no such origin'), 'closed')).toBe(false);

			const second = new Listener();
			expect(await second.create(manager, subscription)).toBe(true);
			await elsewhere.send(updated(unique('uri')));
			await second.until(seen(unique('uri')));
			expect(first.events).toEqual(['acknowledged', 'closed: closed']);
		},
	},
	{
		name: 'closing all of an origin leaves the others',
		async run({ manager, unique }) {
			const filters = { resourceSubscriptions: [unique('uri')] };
			const [one, two, other] = [new Listener(), new Listener(), new Listener()];
			await one.create(manager, { id: 1, origin: unique('origin'), filters });
			await two.create(manager, { id: 2, origin: unique('origin'), filters });
			await other.create(manager, { id: 1, origin: unique('other'), filters });
			await manager.closeAll(unique('origin'), 'cancelled');
			await manager.send(updated(unique('uri')));
			await other.until(seen(unique('uri')));
			expect(one.events).toEqual(['acknowledged', 'closed: cancelled']);
			expect(two.events).toEqual(['acknowledged', 'closed: cancelled']);
		},
	},
	{
		name: 'a listener whose acknowledgement fails is not registered',
		async run({ manager, unique }) {
			const subscription = {
				id: 1,
				origin: unique('origin'),
				filters: { resourceSubscriptions: [unique('uri')] },
			};
			const broken = new Listener();
			broken.acknowledging = () => Promise.reject(new Error('the client has gone'));
			await expect(broken.create(manager, subscription)).rejects.toThrow('the client has gone');
			expect(await new Listener().create(manager, subscription)).toBe(true);
		},
	},
];
