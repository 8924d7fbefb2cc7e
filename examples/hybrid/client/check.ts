import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { isDeepStrictEqual } from 'node:util';

/** The result of one check. */
export interface Check {
	readonly title: string;
	readonly passed: boolean;
	readonly actual: unknown;
}

/** The eras of the protocol. */
export const ERAS = {
	'session-based': {},
	stateless: { versionNegotiation: { mode: { pin: '2026-07-28' } } },
} as const;

/** The token of `.dev.vars.example`. */
const headers = { authorization: 'Bearer ada-token' };

/** Checks a running deployment with a client of one era. It cannot tell which Worker answers. */
export async function checkHybrid(url: URL, era: keyof typeof ERAS): Promise<Check[]> {
	const checks: Check[] = [];
	const check = (title: string, actual: unknown, expected: unknown): void => {
		checks.push({ title, passed: isDeepStrictEqual(actual, expected), actual });
	};
	const client = new Client(
		{ name: 'hybrid-check', version: '1.0.0' },
		{ ...ERAS[era], capabilities: { elicitation: { form: {} } } },
	);
	const questions: string[] = [];
	client.setRequestHandler('elicitation/create', ({ params }) => {
		questions.push(params.message);
		return { action: 'accept', content: { sure: true } };
	});
	await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
	const call = async (name: string, args: Record<string, unknown> = {}): Promise<string> => {
		const { content } = await client.callTool({ name, arguments: args });
		const [first] = content;
		return first?.type === 'text' ? first.text : '';
	};
	try {
		const { tools } = await client.listTools();
		const names = tools.map(({ name }) => name);
		check('one list has the tools of both Workers', names, [
			'count_words',
			'note_add',
			'note_save',
			'note_clear',
			'print',
		]);
		check('the edge counts words', await call('count_words', { text: 'milk and eggs' }), '3');
		check('the origin asks the user', await call('note_clear'), 'removed');
		check('the question arrived', questions, ['Remove all notes?']);
		for (const text of ['milk', 'eggs', 'bread']) await call('note_add', { text });
		const { resources } = await client.listResources();
		const notes = resources.map(({ name }) => name);
		check('the resources of the origin are listed', notes, ['milk', 'eggs', 'bread']);
		const progress: number[] = [];
		await client.callTool(
			{ name: 'note_save', arguments: { copies: 3 } },
			{ onprogress: ({ progress: count }) => void progress.push(count) },
		);
		check('the progress of the origin arrives', progress, [1, 2, 3]);
	} finally {
		await client.close();
	}
	return checks;
}
