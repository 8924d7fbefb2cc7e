import { readNotifications } from '@tmcp-sessions/testkit/task-client';
import type { Fields } from '@tmcp-sessions/testkit/task-client';
import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import { expect, it } from 'vitest';

import { Deployment } from './deployment.ts';

/** workerd 2026-07-30 loses the sockets without an event if three or more were opened at the same time. */
const OBSERVERS = 6;
/** More than twice the time between two checks of a socket. */
const TIMEOUT_MS = 90_000;

const statusOf = ({ params }: Fields): unknown => (Object(params) as Fields)['status'];

it.each(workerdVersions)(
	'each of several observers learns of a change after the object was reset, on workerd %s',
	async (version) => {
		const deployment = await Deployment.start(version);
		try {
			const [a, b] = [deployment.client('a'), deployment.client('b')];
			const taskId = await a.start('ask', { id: `lost-${version}` });
			await a.until(taskId, 'input_required');
			const notifications = { taskIds: [taskId] };
			const streams = await Promise.all(
				Array.from({ length: OBSERVERS }, async () =>
					readNotifications(await b.send('subscriptions/listen', { notifications })),
				),
			);
			await Promise.all(
				streams.map(async (stream) => {
					await stream.next();
					expect(statusOf(await stream.next())).toBe('input_required');
				}),
			);
			await deployment.reset(taskId);
			await a.update(taskId, { 'input-1': { action: 'decline' } });
			const seen = streams.map(async (stream) => {
				const states: unknown[] = [];
				while (states.at(-1) !== 'completed') states.push(statusOf(await stream.next()));
				return states;
			});
			for (const states of seen) expect(await states).toEqual(['working', 'completed']);
			await Promise.all(streams.map((stream) => stream.stop()));
		} finally {
			await deployment.workers.stop();
		}
	},
	TIMEOUT_MS,
);
