import { chooseSessions } from '@tmcp-sessions/core';
import { describe, expect, expectTypeOf, it } from 'vitest';

const MANAGERS = {
	streams: { 'durable-object': () => 'streams on an object', memory: () => 'streams in memory' },
	info: { kv: () => 1, 'durable-object': () => 2, mixed: () => 3 },
} as const;

describe('chooseSessions', () => {
	it.each([
		['streams=durable-object info=kv', 'streams on an object', 1],
		['info=mixed,streams=memory', 'streams in memory', 3],
		['  info=durable-object\n streams=memory ', 'streams in memory', 2],
	])('creates one manager for each role of %j', (setting, streams, info) => {
		expect(chooseSessions(setting, MANAGERS)).toEqual({ streams, info });
	});

	it('accepts an object, whose names are type-checked', () => {
		const chosen = chooseSessions({ streams: 'memory', info: 'kv' }, MANAGERS);
		expect(chosen).toEqual({ streams: 'streams in memory', info: 1 });
		expectTypeOf(chosen.info).toEqualTypeOf<number>();
		// @ts-expect-error -- the name is not available
		expect(() => chooseSessions({ streams: 'memory', info: 'redis' }, MANAGERS)).toThrow(
			'info=redis',
		);
	});

	it('creates the chosen manager once and no other', () => {
		const created: string[] = [];
		const record = (name: string) => () => void created.push(name);
		chooseSessions('info=b', { info: { a: record('a'), b: record('b') } });
		expect(created).toEqual(['b']);
	});

	it('accepts a setting without a role that has a single manager', () => {
		expect(chooseSessions(undefined, { info: { kv: () => 'only' } })).toEqual({ info: 'only' });
	});

	it.each([
		[undefined, 'no streams'],
		['', 'no streams'],
		['streams=memory', 'no info'],
		['streams=memory info=redis', 'info=redis'],
		['streams=memory info', 'info='],
		['streams=memory info=toString', 'info=toString'],
		['streams=memory info=kv cache=kv', 'the unknown role cache'],
		['streams=memory info=kv info=mixed', 'info=kv and info=mixed'],
		['redis', 'the unknown role redis'],
	])('rejects %j at startup and lists the available names', (setting, found) => {
		expect(() => chooseSessions(setting, MANAGERS)).toThrow(
			'[tmcp-sessions/core] the setting of chooseSessions must be ' +
				`"streams=durable-object|memory info=kv|durable-object|mixed"; got ${found}. ` +
				'Fix it in the vars of this deployment.',
		);
	});

	it('suggests the role of a name that stands alone', () => {
		expect(() => chooseSessions('streams=memory mixed', MANAGERS)).toThrow(
			'info=kv|durable-object|mixed"; got mixed without a role. Did you mean info=mixed?',
		);
	});
});
