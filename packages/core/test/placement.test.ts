import {
	isShardLabel,
	regionOfClient,
	regionOfShard,
	REGIONS,
	shardLabel,
	shardOfSession,
} from '@tmcp-sessions/core/internal';
import { describe, expect, it } from 'vitest';

describe('the label of a shard', () => {
	it('is an optional region and an integer from 0 to 255', () => {
		for (const region of [undefined, ...REGIONS]) {
			for (let index = 0; index < 256; index++) {
				const label = shardLabel(region, index);
				expect(isShardLabel(label)).toBe(true);
				expect(regionOfShard(label)).toBe(region);
				expect(shardOfSession(`1.${label}.random.mac`)).toBe(label);
				expect(shardOfSession(`12.${label}.anything`)).toBe(label);
			}
		}
	});

	it.each([-1, 256, 1.5, Number.NaN, Infinity])('has no index %s', (index) => {
		expect(() => shardLabel('weur', index)).toThrow(
			'an integer from 0 to 255; got weur' + String(index),
		);
	});

	it.each([
		'',
		'weur',
		'00',
		'01',
		'256',
		'1000',
		'WEUR1',
		'weur-1',
		' 1',
		'1\n',
		'apac-1',
		'٣',
		'mars1',
	])('is not %j: an invalid label maps to the root shard', (label) => {
		expect(isShardLabel(label)).toBe(false);
		expect(regionOfShard(label)).toBeUndefined();
		expect(shardOfSession(`1.${label}.random.mac`)).toBe('0');
	});

	it.each([
		'',
		'weur1',
		'1.weur1',
		'.weur1.a',
		'x.weur1.a',
		'a 1.weur1.b',
		'1%2Eweur1%2Ea',
		crypto.randomUUID(),
	])('is that of the root shard for an id in another format: %j', (id) => {
		expect(shardOfSession(id)).toBe('0');
	});
});

describe('the region of a client', () => {
	it.each([
		[{ continent: 'EU', country: 'DE', longitude: '13.4' }, 'weur'],
		[{ continent: 'EU', country: 'PL' }, 'eeur'],
		[{ continent: 'NA', country: 'US', longitude: '-122.3' }, 'wnam'],
		[{ continent: 'NA', country: 'US', longitude: '-74.0' }, 'enam'],
		[{ continent: 'NA', country: 'US' }, 'enam'],
		[{ continent: 'NA', country: 'CA', longitude: '-123.1' }, 'wnam'],
		[{ continent: 'NA', country: 'PA', longitude: '-79.5' }, 'enam'],
		[{ continent: 'SA', country: 'BR', longitude: '-46.6' }, 'sam'],
		[{ continent: 'AS', country: 'IN' }, 'apac'],
		[{ continent: 'AS', country: 'JP' }, 'apac-ne'],
		[{ continent: 'AS', country: 'SG' }, 'apac-se'],
		[{ continent: 'AS', country: 'AE' }, 'me'],
		[{ continent: 'AS', country: 'TR' }, 'eeur'],
		[{ continent: 'OC', country: 'NZ', longitude: '-176' }, 'oc'],
		[{ continent: 'AF', country: 'ZA' }, 'afr'],
		[{ continent: 'AF', country: 'MA' }, 'weur'],
		[{ country: 'DE' }, undefined],
		[{ continent: 'AN', country: 'AQ' }, undefined],
		[{ country: 'T1' }, undefined],
		[{ continent: 'constructor', country: '__proto__', longitude: {} }, undefined],
		[{ continent: 7, country: null, longitude: Number.NaN }, undefined],
		[{}, undefined],
	])('%j is near %s', (location, region) => {
		expect(regionOfClient(location)).toBe(region);
	});
});
