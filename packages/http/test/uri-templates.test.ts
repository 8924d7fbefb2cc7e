import { McpServer } from 'tmcp';
import { resource } from 'tmcp/utils';
import { describe, expect, it } from 'vitest';

import { open, post, setUp } from './local-handler.ts';

const MAX_LENGTH = 2_048;
const TEMPLATES = 100;

/** Returns a function that reads a URI from a server with these templates. */
async function reader(
	templates: readonly string[],
): Promise<(uri: string) => Promise<{ params?: unknown; ms: number }>> {
	const server = new McpServer(
		{ name: 'templates', version: '1.0.0' },
		{ adapter: undefined, capabilities: { resources: {} } },
	);
	let found: unknown;
	for (const uri of templates) {
		server.template({ name: uri, description: 'A template', uri }, (read, params) => {
			found = { uri, params };
			return resource.text(read, 'text');
		});
	}
	const { mcp } = setUp({}, server);
	const session = await open(mcp);
	return async (uri) => {
		found = undefined;
		const read = { id: 1, method: 'resources/read', params: { uri } };
		// CPU time, which other processes of the machine do not change.
		const start = process.threadCpuUsage();
		const response = await mcp.fetch(post(read, session));
		const { user, system } = process.threadCpuUsage(start);
		const ms = (user + system) / 1_000;
		await response.text();
		return { params: found, ms };
	};
}

/** Returns templates of one form, which differ in the name of a variable. */
const many = (template: string): string[] =>
	Array.from({ length: TEMPLATES }, (_, index) => template.replace('{last', `{last${index}`));

describe('100 templates and the longest uri', () => {
	it.each([
		['a path', 'files://{+path}/{last}', 'files://'.padEnd(MAX_LENGTH, 'a/')],
		['three variables', 'x://{a}-{b}-{last}', 'x:///'.padEnd(MAX_LENGTH, '-')],
		['adjacent variables', 'x://{a}{b}{c}{last}/', 'x:///'.padEnd(MAX_LENGTH, 'a')],
		[
			'adjacent variables and a slash',
			'x://{a}{b}{c}{last}',
			'x://'.padEnd(MAX_LENGTH - 1, 'a') + '/',
		],
		['reserved variables', 'x://{+a}/{+b}/{+c}/{+last}!', 'x://'.padEnd(MAX_LENGTH - 1, '/') + '!'],
		['reserved and simple variables', 'x://{a}/{+b}/{+c}/{last}', 'x:///'.padEnd(MAX_LENGTH, '/')],
		['a query', 'x://{a}{?b,c}{&last}!', 'x://?'.padEnd(MAX_LENGTH, 'b=1&')],
		['labels', 'x://{a}{.b}{.last}', 'x:///'.padEnd(MAX_LENGTH, '.')],
		['a repeated literal', 'aaaa{+a}aaaa{b}aaaa{last}', 'a'.repeat(MAX_LENGTH - 1) + '/'],
		['percent signs', 'x://{+a}/{+last}', 'x://'.padEnd(MAX_LENGTH, '%/')],
		['invalid characters', 'x://{+a}/{+last}', 'x://'.padEnd(MAX_LENGTH, '/%FF')],
	])('are matched in 5 ms: %s', async (_, template, uri) => {
		const read = await reader(many(template));
		const times: number[] = [];
		for (let time = 0; time < 9; time++) times.push((await read(uri)).ms);
		expect(Math.min(...times)).toBeLessThan(5);
	});

	it('are matched in 5 ms if the last one fits', async () => {
		const read = await reader([...many('x://{a}/{last}'), 'x://{+a}/{b}']);
		const uri = 'x:///'.padEnd(MAX_LENGTH - 1, '/') + 'b';
		const times: number[] = [];
		for (let time = 0; time < 9; time++) {
			const { ms, params } = await read(uri);
			expect(params).toMatchObject({ uri: 'x://{+a}/{b}' });
			times.push(ms);
		}
		expect(Math.min(...times)).toBeLessThan(5);
	});
});

describe('the values of a template', () => {
	it.each([
		['notes://{folder}/{name}', 'notes://a/b', { folder: 'a', name: 'b' }],
		['notes://{folder}/{name}', 'notes://a/b/c', undefined],
		['notes://{name}', 'notes://a/', undefined],
		['notes://{name}', 'notes://', undefined],
		['notes:{name}', 'notes:', { name: '' }],
		['notes://{name}', 'notes://gr%C3%BC%C3%9Fe', { name: 'grüße' }],
		['notes://{name}', 'notes://%', undefined],
		['notes://100%/{name}', 'notes://100%/a', { name: 'a' }],
		['files://{+path}', 'files://a/b/c', { path: 'a/b/c' }],
		['files://{+path}/{name}', 'files://a/b/c', { path: 'a/b', name: 'c' }],
		['x://{a}{b}', 'x://ab', { a: 'ab', b: '' }],
		['x://{a}-{b}', 'x://1-2-3', { a: '1', b: '2-3' }],
		['x://{a}{#b}', 'x://1#2', { a: '1', b: '2' }],
		['x://1{?b,c}', 'x://1?b=2&c=3', { b: '2', c: '3' }],
		['x://{a}{.b}', 'x://file.txt', { a: 'file', b: 'txt' }],
		['x://a{/b}', 'x://a/1', { b: '1' }],
		['x://{a:2}', 'x://abc', { a: 'ab' }],
		['x://{a}/end', 'x://1/end/end', undefined],
		['{a}', 'x', { a: 'x' }],
	])('of %s in %s are %j', async (template, uri, params) => {
		const read = await reader([template]);
		const expected = params && { uri: template, params };
		expect((await read(uri)).params).toEqual(expected);
	});
});
