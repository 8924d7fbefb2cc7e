import { MAC } from '@tmcp-sessions/core/internal';
import { HandleError } from '@tmcp-sessions/state';
import { ManualClock, mutate, seededRandom } from '@tmcp-sessions/testkit';
import { describe, expect, it } from 'vitest';

import { createCountedInfo } from './counted-info.ts';
import { createToolServer } from './tool-server.ts';
import type { ToolServer } from './tool-server.ts';

const MANY = 100_000;
/** How many handles are opened concurrently. */
const AT_ONCE = 1_000;
const REJECTED = { name: 'HandleError', code: 'state-handle', error: new HandleError().message };
const append =
	(text: string) =>
	(before = '') =>
		before + text;

function setUp(clock = new ManualClock()): ToolServer & {
	readonly clock: ManualClock;
	readonly take: () => string[];
} {
	const { info, take } = createCountedInfo(() => ({}), { now: clock.now });
	return { ...createToolServer(info, { now: clock.now }), clock, take };
}

async function issue({ stateless }: ToolServer): Promise<string> {
	return String(await stateless((state) => state.createHandle('draft', 'a')));
}

describe('a handle', () => {
	it('gives stateless calls what a session gives the others, in the same tool', async () => {
		const { stateless, openSession, take } = setUp();
		const add =
			(text: string, handle?: string) =>
			async (state: ToolServer['state']): Promise<unknown> => {
				const opened = await state.open(handle);
				return { draft: await opened.update('draft', append(text)), handle: opened.handle };
			};
		const session = await openSession();
		expect(await session.call(add('a'))).toEqual({ draft: 'a' });
		expect(await session.call(add('b'))).toEqual({ draft: 'ab' });
		take();
		const first = (await stateless(add('a'))) as { draft: string; handle: string };
		expect(first).toEqual({ draft: 'a', handle: expect.any(String) as string });
		const second = await stateless(add('b', first.handle));
		expect(second).toEqual({ draft: 'ab', handle: first.handle });
		expect(take()).toEqual(['read', 'write', 'read', 'write']);
		expect(await session.call(add('c', first.handle))).toEqual({
			draft: 'abc',
			handle: first.handle,
		});
		expect(await session.call(add('c'))).toEqual({ draft: 'abc' });
	});

	it('is short, does not contain the principal, and costs no storage until it is used', async () => {
		const { stateless, take } = setUp();
		const handle = String(await stateless(async (state) => (await state.open()).handle));
		expect(take()).toEqual([]);
		expect(handle).toMatch(new RegExp(`^3\\.\\w+\\.[\\w-]{22}\\.m\\w{6}\\.${MAC}$`));
		expect(handle.length).toBeLessThan(90);
		expect(handle).not.toContain('ada');
	});

	it('is valid until its ttlSeconds are over, and then rejected without storage', async () => {
		const { clock, stateless, take } = setUp();
		const handle = String(
			await stateless((state) => state.createHandle('draft', 'a', { ttlSeconds: 100 })),
		);
		const read = async (state: ToolServer['state']): Promise<unknown> =>
			(await state.openHandle(handle)).get('draft');
		clock.advance(99_000);
		expect(await stateless(read)).toBe('a');
		clock.advance(2_000);
		take();
		expect(await stateless(read)).toEqual(REJECTED);
		expect(take()).toEqual([]);
	});

	it.each([0, -1, 2_592_001, Number.NaN])('rejects a ttlSeconds of %s', async (ttlSeconds) => {
		const { stateless } = setUp();
		expect(
			await stateless((state) => state.createHandle('draft', 'a', { ttlSeconds })),
		).toMatchObject({
			error: `[tmcp-sessions/state] ttlSeconds must be a number from 1 to 2592000 (30 days); got ${ttlSeconds}`,
		});
	});

	it('is for one principal', async () => {
		const server = setUp();
		const handle = await issue(server);
		const read = async (state: ToolServer['state']): Promise<unknown> =>
			(await state.openHandle(handle)).get('draft');
		expect(await server.stateless(read, 'ada')).toBe('a');
		server.take();
		expect(await server.stateless(read, 'bob')).toEqual(REJECTED);
		expect(await (await server.openSession('bob')).call(read)).toEqual(REJECTED);
		expect(server.take()).toEqual([]);
	});

	it('opens in no deployment with other keys, and in one that has rotated them', async () => {
		const { info } = createCountedInfo();
		const old = 'Zm9yIHJvdGF0aW9uOiB0aGUgb2xkIGtleSBxOVQ3bQ';
		const next = 'Zm9yIHJvdGF0aW9uOiB0aGUgbmV3IGtleSBLMnhWMw';
		const handle = await issue(createToolServer(info, {}, { sessionKeys: [old] }));
		const read = async (state: ToolServer['state']): Promise<unknown> =>
			(await state.openHandle(handle)).get('draft');
		const rotated = createToolServer(info, {}, { sessionKeys: [next, old] });
		expect(await rotated.stateless(read)).toBe('a');
		const other = createToolServer(info, {}, { sessionKeys: [next] });
		expect(await other.stateless(read)).toEqual(REJECTED);
	});

	it('for a single use returns its state to one of 20 concurrent calls', async () => {
		const { stateless, take } = setUp();
		const handle = String(
			await stateless((state) => state.createHandle('draft', 'a', { singleUse: true })),
		);
		expect(take()).toEqual(['write']);
		const use = async (state: ToolServer['state']): Promise<unknown> => {
			const opened = await state.openHandle(handle);
			return { draft: await opened.get('draft'), handle: opened.handle };
		};
		const uses = await Promise.all(Array.from({ length: 20 }, () => stateless(use)));
		const rejected = uses.filter((each) => (each as { code?: string }).code === 'state-handle');
		expect(rejected).toHaveLength(19);
		expect(uses).toContainEqual({ draft: 'a' });
		expect(new Set(take())).toEqual(new Set(['end']));
	});

	it('for a single use rejects changes, and needs an atomic store', async () => {
		const { stateless } = setUp();
		expect(
			await stateless(async (state) => {
				const handle = await state.createHandle('draft', 'a', { singleUse: true });
				await (await state.openHandle(handle)).set('draft', 'b');
			}),
		).toMatchObject({
			error: expect.stringContaining('the handle was for a single use') as string,
		});
		const { info } = createCountedInfo((right) => ({
			capabilities: { ...right.capabilities, isAtomic: false },
		}));
		expect(
			await createToolServer(info).stateless((state) =>
				state.createHandle('draft', 'a', { singleUse: true }),
			),
		).toMatchObject({
			error: expect.stringContaining('singleUse needs a store that is atomic') as string,
		});
	});

	it('needs the keys of the handler', async () => {
		const server = createToolServer(createCountedInfo().info, {}, { allowedHosts: true });
		await expect(server.state.openHandle(await issue(server))).rejects.toThrow(
			'handles need the keys of the handler; found none. Serve the server with createMcpHandler',
		);
	});

	it.each([undefined, null, 7, {}, '', 'a', '3.0.', 'x'.repeat(100_000)])(
		'is never %s',
		async (token) => {
			const { stateless, take } = setUp();
			expect(await stateless((state) => state.openHandle(token as string))).toEqual(REJECTED);
			expect(take()).toEqual([]);
		},
	);
});

describe('100,000 invalid handles', () => {
	/** Opens handles in one call. Returns how many were rejected, and fails for any other error. */
	async function rejections(
		server: ToolServer,
		next: () => string,
		user?: string,
	): Promise<unknown> {
		return server.stateless(async (state) => {
			let rejected = 0;
			for (let opened = 0; opened < MANY; opened += AT_ONCE) {
				const handles = Array.from({ length: AT_ONCE }, next);
				const results = await Promise.allSettled(handles.map((each) => state.openHandle(each)));
				for (const result of results) {
					if (result.status === 'fulfilled') continue;
					if (!(result.reason instanceof HandleError)) throw result.reason;
					rejected += 1;
				}
			}
			return rejected;
		}, user);
	}

	it('that are forged are rejected without storage', async () => {
		const server = setUp();
		const handle = await issue(server);
		const random = seededRandom(19);
		const forge = (): string => {
			const changed = mutate([handle], random);
			return changed === handle ? `${handle}A` : changed;
		};
		server.take();
		expect(await rejections(server, forge)).toBe(MANY);
		expect(server.take()).toEqual([]);
	}, 120_000);

	it('of another principal are rejected without storage', async () => {
		const server = setUp();
		const handle = await issue(server);
		server.take();
		expect(await rejections(server, () => handle, 'bob')).toBe(MANY);
		expect(server.take()).toEqual([]);
	}, 120_000);

	it('that have expired are rejected without storage', async () => {
		const server = setUp();
		const handle = await issue(server);
		server.clock.advance(86_402_000);
		server.take();
		expect(await rejections(server, () => handle)).toBe(MANY);
		expect(server.take()).toEqual([]);
	}, 120_000);

	it('that were used are rejected without storage', async () => {
		const server = setUp();
		const handle = String(
			await server.stateless((state) => state.createHandle('draft', 'a', { singleUse: true })),
		);
		await server.stateless((state) => state.openHandle(handle));
		server.take();
		expect(await rejections(server, () => handle)).toBe(MANY);
		expect(server.take()).toEqual([]);
	}, 120_000);
});

describe('a used handle', () => {
	it('costs another isolate one storage operation', async () => {
		const { info, take } = createCountedInfo();
		const isolates = [createToolServer(info), createToolServer(info)] as const;
		const handle = String(
			await isolates[0].stateless((state) => state.createHandle('draft', 'a', { singleUse: true })),
		);
		const use = async (state: ToolServer['state']): Promise<unknown> =>
			(await state.openHandle(handle)).get('draft');
		expect(await isolates[0].stateless(use)).toBe('a');
		take();
		expect(await isolates[1].stateless(use)).toEqual(REJECTED);
		expect(await isolates[1].stateless(use)).toEqual(REJECTED);
		expect(take()).toEqual(['end']);
	});

	it('is rejected although 10,000 others were used after it', async () => {
		const { stateless } = setUp();
		const create = (state: ToolServer['state']): Promise<string> =>
			state.createHandle('draft', 'a', { singleUse: true });
		const rejected = await stateless(async (state) => {
			const first = await create(state);
			await state.openHandle(first);
			for (let batch = 0; batch < 10; batch++) {
				const others = await Promise.all(Array.from({ length: 1_001 }, () => create(state)));
				await Promise.all(others.map((each) => state.openHandle(each)));
			}
			await state.openHandle(first);
		});
		expect(rejected).toEqual(REJECTED);
	}, 60_000);

	it('is not remembered as used if storage fails', async () => {
		let failures = 1;
		const { info } = createCountedInfo((right) => ({
			end: (id, untilMs) =>
				failures-- > 0 ? Promise.reject(new Error('down')) : right.end(id, untilMs),
		}));
		const { stateless } = createToolServer(info);
		const handle = String(
			await stateless((state) => state.createHandle('draft', 'a', { singleUse: true })),
		);
		const use = async (state: ToolServer['state']): Promise<unknown> =>
			(await state.openHandle(handle)).get('draft');
		expect(await stateless(use)).toMatchObject({ error: 'down' });
		expect(await stateless(use)).toBe('a');
	});
});
