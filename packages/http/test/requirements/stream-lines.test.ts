import { readStrictly } from '@tmcp-sessions/testkit';
import { expect, it } from 'vitest';

import type { Endpoint, IncomingResponse } from '../endpoint.ts';
import { describeEachDeployment } from './deployments.ts';
import { emitChange, openSubscription } from './stateless-requests.ts';

const POLLING_REVISION = '2025-11-25';
const REVISIONS = [undefined, '2025-03-26', '2025-06-18', POLLING_REVISION];
const TOOLS_CHANGED = 'notifications/tools/list_changed';
/** The events of a call carry ids once it has run for more than a second. */
const WITH_IDS_MS = 1_600;
/** The characters at which some client ends a line, and that JSON allows in a string. */
const TERMINATORS = 'next\u0085line\u2028paragraph\u2029end';
const RAW_TERMINATOR = /[\u0085\u2028\u2029]/;

/** Returns the blocks of a stream that are neither a message with its id nor comments. */
function emptyBlocks({ text }: IncomingResponse): string[] {
	const blocks = text.split('\n\n').map((block) => block.replaceAll(/^:.*\n?/gm, ''));
	return blocks.filter((block) => block !== '' && !/^data: /m.test(block));
}

/** Opens one stream of each kind, and returns each after it has carried what it can carry. */
async function openEveryStream(
	isolateA: Endpoint,
	isolateB: Endpoint,
	session: string,
): Promise<IncomingResponse[]> {
	const listening = await isolateA.openStream(session);
	const [quick, reporting, lasting] = await Promise.all([
		isolateA.startCall('echo', session, { text: TERMINATORS }, 1),
		isolateA.startCall('report', session, { text: TERMINATORS, times: 2 }, 2),
		isolateA.startCall('sleep', session, { ms: WITH_IDS_MS, note: TERMINATORS }, 3),
	]);
	const eliciting = await isolateA.startCall('elicit', session, {}, 4);
	await eliciting.waitForMessage('elicitation/create');
	await isolateB.post({ method: 'notifications/cancelled', params: { requestId: 4 } }, session);
	await Promise.all([quick, reporting, lasting, eliciting].map(({ ended }) => ended));
	await isolateB.call('notify', session, { what: 'tools' });
	await listening.waitFor(TOOLS_CHANGED);
	await listening.waitFor(': keep-alive', 2);
	listening.destroy();
	const resume = (lastEventId: string | undefined): Promise<IncomingResponse> =>
		isolateB.with({ 'last-event-id': lastEventId }).openStream(session);
	const lastId = (incoming: IncomingResponse): string | undefined =>
		[...incoming.text.matchAll(/^id: (\S+)/gm)].at(-1)?.[1];
	const callId = lastId(lasting);
	const [resumed, withGap, resumedCall] = await Promise.all([
		resume(lastId(listening)),
		resume('garbage'),
		resume(callId?.replace(/:\d+$/, ':0') ?? 'garbage'),
	]);
	await withGap.waitFor(': gap, ');
	await resumed.waitFor(': keep-alive', 2);
	for (const each of [resumed, withGap, resumedCall]) each.destroy();
	return [listening, quick, reporting, lasting, eliciting, resumed, withGap, resumedCall];
}

describeEachDeployment(
	(deployment) => {
		it.each(REVISIONS)(
			'hazard stream-lines: sends clients of revision %s no line that one of them cannot read',
			async (revision) => {
				const { isolateA, isolateB } = deployment.endpoint();
				const headers = { 'mcp-protocol-version': revision };
				const session = await isolateA.initialize();
				const streams = await openEveryStream(
					isolateA.with(headers),
					isolateB.with(headers),
					session,
				);
				for (const stream of streams) {
					expect(() => readStrictly(stream.text), stream.text).not.toThrow();
					expect(stream.text).not.toMatch(RAW_TERMINATOR);
					if (revision !== POLLING_REVISION) expect(emptyBlocks(stream)).toEqual([]);
				}
				expect(streams.map(({ text }) => text).join('')).toContain(String.raw`next\u0085line`);
			},
		);

		it('hazard line-terminators: escapes them in every JSON body and in the messages of stateless streams', async () => {
			const { isolateA, isolateB } = deployment.endpoint();
			const session = await isolateA.initialize();
			const uri = `test://many/${TERMINATORS}`;
			const subscription = await openSubscription(isolateA, TERMINATORS, {
				resourceSubscriptions: [uri],
			});
			await subscription.waitFor('acknowledged');
			await emitChange(isolateB, 'update', { uri });
			await subscription.waitFor('notifications/resources/updated');
			subscription.destroy();
			const echo = { name: 'echo', arguments: { text: TERMINATORS } };
			const call = { id: TERMINATORS, method: 'tools/call', params: echo };
			const asJson = isolateA.with({ accept: 'application/json' });
			const answers = await Promise.all([
				asJson.post(call, session),
				isolateA.post({ ...call, method: `tools/${TERMINATORS}` }, session),
				isolateA.postStateless(call),
				isolateA.postStateless({ id: TERMINATORS, method: 'unknown/method' }),
				isolateA.post({ ...call, method: 'initialize' }),
			]);
			await Promise.all(answers.map(({ ended }) => ended));
			for (const { text } of [subscription, ...answers]) {
				expect(text).not.toMatch(RAW_TERMINATOR);
				expect(text).toContain(String.raw`next\u0085line`);
			}
		});
	},
	{ concurrent: true },
);
