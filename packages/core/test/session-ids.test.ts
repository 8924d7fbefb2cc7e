import { readFile } from 'node:fs/promises';

import { createSessionIds, shardOfSession } from '@tmcp-sessions/core/internal';
import { describe, expect, it } from 'vitest';

const KEY = 'a key of the tests, 32 characters long and more';
const OLD_KEY = 'the key before that, also long enough to be one';
const FOREIGN_KEY = 'the key of another deployment, long enough too';

describe('session ids', () => {
	it('L1 unguessable-session-id, L2 ascii-session-id: are unguessable, visible ASCII and unique', async () => {
		const ids = createSessionIds({ keys: [KEY] });
		const minted = await Promise.all(Array.from({ length: 1_000 }, () => ids.mint()));
		expect(new Set(minted).size).toBe(1_000);
		// 32 characters of base64url are 192 random bits.
		for (const id of minted) expect(id).toMatch(/^1\.0\.[\w-]{32}\.[\w-]{43}$/);
		expect(await Promise.all(minted.map((id) => ids.verify(id)))).not.toContain(false);
	});

	it('are rejected if changed anywhere, truncated or extended', async () => {
		const ids = createSessionIds({ keys: [KEY] });
		const id = await ids.mint();
		for (let index = 0; index < id.length; index++) {
			const other = String.fromCharCode(id.charCodeAt(index) ^ 0x1f);
			const changed = id.slice(0, index) + other + id.slice(index + 1);
			expect(await ids.verify(changed), changed).toBe(false);
			expect(await ids.verify(id.slice(0, index))).toBe(false);
		}
		for (const foreign of ['', ' ', '1', '..', `${id}x`, ` ${id}`, `${id}\n`, `2${id.slice(1)}`]) {
			expect(await ids.verify(foreign)).toBe(false);
		}
	});

	it('contain their shard, which the MAC covers', async () => {
		const ids = createSessionIds({ keys: [KEY] });
		const id = await ids.mint('ada', 'apac-ne255');
		expect(id).toMatch(/^1\.apac-ne255\.[\w-]{32}\.[\w-]{43}$/);
		expect(id).toHaveLength(89);
		expect(shardOfSession(id)).toBe('apac-ne255');
		expect(await ids.verify(id, 'ada')).toBe(true);
		for (const other of ['0', '255', 'apac-ne25', 'apac255', 'apac-ne256', '', 'mars0']) {
			expect(await ids.verify(id.replace('apac-ne255', other), 'ada'), other).toBe(false);
		}
		// The earlier format without a shard is not accepted.
		expect(await ids.verify(id.replace('.apac-ne255', ''), 'ada')).toBe(false);
	});

	it('have one spelling: the unused bits of the last character must be zero', async () => {
		const ids = createSessionIds({ keys: [KEY] });
		const id = await ids.mint();
		const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
		const spellings = Array.from(alphabet, (character) => id.slice(0, -1) + character);
		const accepted = await Promise.all(spellings.map((spelling) => ids.verify(spelling)));
		expect(accepted.filter(Boolean)).toHaveLength(1);
	});

	it('are rejected if another deployment issued them', async () => {
		const foreign = await createSessionIds({ keys: [FOREIGN_KEY] }).mint();
		expect(await createSessionIds({ keys: [KEY] }).verify(foreign)).toBe(false);
	});

	it('rotate: the first key signs, all verify, a removed key does not', async () => {
		const before = createSessionIds({ keys: [OLD_KEY] });
		const during = createSessionIds({ keys: [KEY, OLD_KEY] });
		const after = createSessionIds({ keys: [KEY] });
		const [old, fresh] = [await before.mint(), await during.mint()];
		expect(await Promise.all([during.verify(old), during.verify(fresh)])).toEqual([true, true]);
		expect(await Promise.all([after.verify(old), after.verify(fresh)])).toEqual([false, true]);
	});

	it('rotate as documented: during each step, every isolate accepts the ids of all others', async () => {
		const guide = await readFile(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
		const commands = /^printf '%s' "(.+)" \| npx wrangler secret put TMCP_SESSION_KEYS$/gm;
		const steps = [...guide.matchAll(commands)].map(([, keys = '']) =>
			keys.split(' ').map((key) => ({ $NEW: KEY, $OLD: OLD_KEY })[key] ?? key),
		);
		expect(steps).toHaveLength(3);
		expect(steps.at(-1)).toEqual([KEY]);
		const deployments = [[OLD_KEY], ...steps].map((keys) => createSessionIds({ keys }));
		for (const [index, later] of deployments.entries()) {
			const earlier = deployments[index - 1];
			if (!earlier) continue;
			expect(await earlier.verify(await later.mint())).toBe(true);
			// The last step is taken after all ids of the old key have expired.
			const isLast = index === deployments.length - 1;
			if (!isLast) expect(await later.verify(await earlier.mint())).toBe(true);
		}
	});

	it('reject a missing or short key without revealing it, with a command that generates one', () => {
		expect(() => createSessionIds({ keys: [] })).toThrow(
			'[tmcp-sessions/core] session ids need keys of at least 32 characters; got none. Make one with: openssl rand -base64 32',
		);
		const short = 'hunter2';
		expect(() => createSessionIds({ keys: [KEY, short] })).toThrow(
			'got one of 7 characters, of 2 that spaces or commas separate.',
		);
		expect(() => createSessionIds({ keys: [KEY, short] })).not.toThrow(short);
	});
});
