import { createSessionIds, createTaskIds } from '@tmcp-sessions/core/internal';
import { describe, expect, it } from 'vitest';

const KEY = 'ySvB0fW2o1kqkz7mJx3uTqf9c5P8dEwL';
const NEW_KEY = 'Qm4Zr8tGh1VnXs6YbKd3WcJ0pLaEuF7o';

describe('task ids', () => {
	it('return their name to the principal that they were issued to, and to no other', async () => {
		const ids = createTaskIds([KEY]);
		const id = await ids.issue('abc-_9', 'ada');
		expect(id).toMatch(/^t1\.abc-_9\.[\w-]{43}$/);
		expect(await ids.nameOf(id, 'ada')).toBe('abc-_9');
		expect(await ids.nameOf(id, 'bob')).toBeUndefined();
		expect(await ids.nameOf(id, '')).toBeUndefined();
	});

	it('are rejected with another name, a part missing, or another spelling of the MAC', async () => {
		const ids = createTaskIds([KEY]);
		const id = await ids.issue('abc', '');
		const last = id.at(-1) ?? '';
		const respelled = id.slice(0, -1) + String.fromCharCode(last.charCodeAt(0) + 1);
		for (const forged of [
			'',
			'abc',
			id.slice(0, -1),
			id.replace('abc', 'abd'),
			respelled,
			`${id} `,
		]) {
			expect(await ids.nameOf(forged, ''), forged).toBeUndefined();
		}
	});

	it('verify with a later key, and sign with the first', async () => {
		const id = await createTaskIds([KEY]).issue('abc', '');
		expect(await createTaskIds([NEW_KEY, KEY]).nameOf(id, '')).toBe('abc');
		expect(await createTaskIds([NEW_KEY]).nameOf(id, '')).toBeUndefined();
	});

	it('are no session ids, and session ids are no task ids', async () => {
		const session = await createSessionIds({ keys: [KEY] }).mint();
		const task = await createTaskIds([KEY]).issue('abc', '');
		expect(await createSessionIds({ keys: [KEY] }).verify(task)).toBe(false);
		expect(await createTaskIds([KEY]).nameOf(session, '')).toBeUndefined();
	});

	it('need a key of at least 32 characters', () => {
		expect(() => createTaskIds(['short'])).toThrow('task ids need keys of at least 32 characters');
	});
});
