import { expectThat } from './expectation.ts';
import { evictSyncLayer } from './notes-workers.ts';
import type { Scene } from './scene.ts';
import { sessionClientInfo } from './session-client.ts';
import type { Step } from './story.ts';

const chapter = 'Session era (@modelcontextprotocol/sdk)';

/** The session era: what a client does on one Worker, the other one knows. */
export const sessionSteps: Step<Scene>[] = [
	{
		chapter,
		title: 'A client initializes on A',
		play: async ({ session }) => {
			await session.open('a');
			const server = session.client.getServerVersion();
			const { sessionId, protocolVersion } = session.transport;
			expectThat(server?.name === 'notes', 'the server "notes"', server ?? 'no server');
			expectThat(typeof sessionId === 'string', 'a session id', 'none');
			return `server ${server.name} ${server.version}, protocol ${protocolVersion}, session ${sessionId.slice(0, 8)}…`;
		},
	},
	{
		chapter,
		title: 'B knows the name and the capabilities of that client',
		play: async ({ session }) => {
			const result = await session.on('b', (client) => client.callTool({ name: 'whoami' }));
			const known = result.structuredContent;
			const { name, version } = sessionClientInfo;
			expectThat(
				isRecord(known) &&
					known['name'] === name &&
					known['version'] === version &&
					isRecord(known['capabilities']) &&
					'elicitation' in known['capabilities'],
				`${name} ${version} with elicitation`,
				known ?? result.content,
			);
			return `${name} ${version}, capabilities ${JSON.stringify(known['capabilities'])}`;
		},
	},
	{
		chapter,
		title: 'The client holds a GET stream open on A',
		play: async ({ session }) => {
			const status = await session.streamOpened;
			expectThat(status === 200, 'status 200', `status ${status}`);
			return 'status 200, an event stream';
		},
	},
	{
		chapter,
		title: 'B announces that the tools changed, the stream on A receives it',
		play: ({ session }) => announceToolsOnB(session),
	},
	{
		chapter,
		title: 'The Durable Object is evicted; the stream on A stays and receives the next one',
		play: async ({ session, workers }) => {
			const evicted = await evictSyncLayer(workers);
			expectThat(evicted > 0, 'an object in memory to evict', 'none');
			return `${evicted} object evicted, then ${await announceToolsOnB(session)}`;
		},
	},
	{
		chapter,
		title: 'B keeps to the log level that the client set on A',
		play: async ({ session }) => {
			await session.on('a', (client) => client.setLoggingLevel('warning'));
			await session.call('b', 'import_notes', { texts: ['milk', 'bread'] });
			const quiet = session.inbox.count('notifications/message');
			expectThat(quiet === 0, 'no message of level info', `${quiet} of them`);
			await session.on('a', (client) => client.setLoggingLevel('info'));
			await session.call('b', 'import_notes', { texts: ['eggs', 'salt'] });
			const loud = session.inbox.count('notifications/message');
			session.inbox.clear();
			expectThat(loud === 2, 'two messages of level info', `${loud} of them`);
			return 'no message of level info after "warning", two of them after "info"';
		},
	},
	{
		chapter,
		title: 'The client subscribes to notes://all on A; a note added on B is told on A',
		play: async ({ session }) => {
			const uri = 'notes://all';
			await session.on('a', (client) => client.subscribeResource({ uri }));
			await session.call('b', 'add_note', { text: 'written on B' });
			const { params } = await session.inbox.take('notifications/resources/updated');
			expectThat(params?.['uri'] === uri, `the uri ${uri}`, params ?? 'no uri');
			const { contents } = await session.on('a', (client) => client.readResource({ uri }));
			const text = JSON.stringify(contents);
			expectThat(text.includes('written on B'), 'the new note when A reads them', text);
			return `resources/updated of ${uri}, and A reads the note that B wrote`;
		},
	},
	{
		chapter,
		title: 'B asks the user in the middle of a call; the answer is sent to A and reaches the call',
		play: async ({ session }) => {
			session.answersOn = 'a';
			const answer = await session.call('b', 'clear_notes');
			const [question] = session.questions;
			expectThat(question === 'Delete all notes?', 'the question', question ?? 'no question');
			expectThat(answer === 'Notes deleted: 5', '"Notes deleted: 5"', answer);
			return `asked "${question}" on B, the user agreed on A: ${answer}`;
		},
	},
];

async function announceToolsOnB(session: Scene['session']): Promise<string> {
	await session.call('b', 'announce_change', { what: 'tools' });
	const answered = performance.now();
	const { method } = await session.inbox.take('notifications/tools/list_changed');
	const elapsedMs = Math.max(0, performance.now() - answered);
	return `${method.replace('notifications/', '')} ${elapsedMs.toFixed(1)} ms after B had answered`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null;
}
