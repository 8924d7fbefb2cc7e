import { describe, expect, it } from 'vitest';
import { splitCommands, startsServer } from '../src/documents/commands.ts';
import { parseDocument } from '../src/documents/document.ts';

const fence = '```';

describe('parseDocument', () => {
	it('returns commands and files in their order, with line numbers', () => {
		const page = [
			`${fence}sh`,
			'npm init -y',
			fence,
			'',
			'Create `src/index.ts`:',
			'',
			`${fence}ts title="src/index.ts"`,
			'export {};',
			fence,
		].join('\n');
		expect(parseDocument('README.md', page)).toEqual({
			page: 'README.md',
			steps: [
				{ kind: 'commands', line: 1, text: 'npm init -y', place: 'empty', expected: [] },
				{ kind: 'file', line: 7, path: 'src/index.ts', content: 'export {};\n', place: 'empty' },
			],
			problems: [],
		});
	});

	it('skips a block only with a reason', () => {
		const page = `<!-- not run: needs an account -->\n${fence}sh\nnpx wrangler deploy\n${fence}\n`;
		expect(parseDocument('a.md', page).steps).toEqual([
			{ kind: 'skipped', line: 2, reason: 'needs an account' },
		]);
		const without = page.replace(': needs an account', '');
		expect(parseDocument('a.md', without).problems).toEqual([
			'a.md:2: `not run` must name a reason: <!-- not run: REASON -->',
		]);
	});

	it('applies a comment to the next block only, and reads blocks in lists', () => {
		const page = [
			'1. First',
			'',
			'   <!-- in: checkout -->',
			`   ${fence}sh`,
			'   npm run demo',
			`   ${fence}`,
			'',
			`   ${fence}sh`,
			'   npm init',
			`   ${fence}`,
		].join('\n');
		expect(parseDocument('a.md', page).steps).toMatchObject([
			{ text: 'npm run demo', place: 'checkout' },
			{ text: 'npm init', place: 'empty' },
		]);
	});

	it('reports commands that it would not run', () => {
		const page = `${fence}bash\nls\n${fence}\n\n    npm install tmcp\n`;
		expect(parseDocument('a.md', page).problems).toEqual([
			'a.md:1: the block is bash; use sh',
			'a.md:5: commands outside of a fenced sh block; use ```sh',
		]);
	});
});

describe('splitCommands', () => {
	it('keeps a command together that goes on in the next lines', () => {
		const block = [
			'# a comment',
			'npm i a \\',
			'  b',
			"curl -d '{",
			"}'",
			'',
			'cat <<END',
			'x',
			'END',
		];
		expect(splitCommands(block.join('\n'), 10)).toEqual([
			{ line: 11, text: 'npm i a \\\n  b' },
			{ line: 13, text: "curl -d '{\n}'" },
			{ line: 16, text: 'cat <<END\nx\nEND' },
		]);
	});
});

describe('startsServer', () => {
	it.each(['npx wrangler dev', 'npx -y pnpm@12.21.0 run dev', 'PORT=80 node src/node.ts'])(
		'lets %j run in the background',
		(command) => expect(startsServer(command)).toBe(true),
	);
	it.each(['npx wrangler deploy --dry-run', 'npm i', 'node -v', 'npx wrangler types'])(
		'waits for the end of %j',
		(command) => expect(startsServer(command)).toBe(false),
	);
});
