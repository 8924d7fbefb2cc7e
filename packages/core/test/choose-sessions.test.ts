import { chooseSessions } from '@tmcp-sessions/core';
import { describe, expect, expectTypeOf, it } from 'vitest';

const OFFER = {
	streams: { 'durable-object': () => 'streams on an object', memory: () => 'streams in memory' },
	info: { kv: () => 1, 'durable-object': () => 2, mixed: () => 3 },
} as const;

describe('chooseSessions', () => {
	it.each([
		['streams=durable-object info=kv', 'streams on an object', 1],
		['info=mixed,streams=memory', 'streams in memory', 3],
		['  info=durable-object\n streams=memory ', 'streams in memory', 2],
	])('takes one manager for each role: %j', (setting, streams, info) => {
		expect(chooseSessions(setting, OFFER)).toEqual({ streams, info });
	});

	it('takes an object with the same, whose names the types know', () => {
		const chosen = chooseSessions({ streams: 'memory', info: 'kv' }, OFFER);
		expect(chosen).toEqual({ streams: 'streams in memory', info: 1 });
		expectTypeOf(chosen.info).toEqualTypeOf<number>();
		// @ts-expect-error -- no such name is on offer
		expect(() => chooseSessions({ streams: 'memory', info: 'redis' }, OFFER)).toThrow('info=redis');
	});

	it('makes what was chosen, once, and nothing else', () => {
		const made: string[] = [];
		const note = (name: string) => () => void made.push(name);
		chooseSessions('info=b', { info: { a: note('a'), b: note('b') } });
		expect(made).toEqual(['b']);
	});

	it('lets a role be left out where one manager is on offer', () => {
		expect(chooseSessions(undefined, { info: { kv: () => 'only' } })).toEqual({ info: 'only' });
	});

	it.each([
		[undefined, 'no streams'],
		['', 'no streams'],
		['streams=memory', 'no info'],
		['streams=memory info=redis', 'info=redis'],
		['streams=memory info', 'info='],
		['streams=memory info=toString', 'info=toString'],
		['streams=memory info=kv cache=kv', 'unknown role cache'],
		['streams=memory info=kv info=mixed', 'info=kv and mixed'],
		['kv', 'unknown role kv'],
	])('refuses %j at the start, with the names that are on offer', (setting, found) => {
		expect(() => chooseSessions(setting, OFFER)).toThrow(
			'[tmcp-sessions/core] the setting of chooseSessions must be ' +
				`"streams=durable-object|memory info=kv|durable-object|mixed"; got ${found}. ` +
				'Fix it in the vars of this deployment.',
		);
	});
});
