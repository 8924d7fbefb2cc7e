import { expectThat } from './expectation.ts';
import { evictSyncLayer } from './notes-workers.ts';
import { listEverything } from './offered.ts';
import type { Scene } from './scene.ts';
import { sessionClientInfo } from './session-client.ts';
import type { Step } from './story.ts';

const chapter = 'Session-based client (@modelcontextprotocol/sdk)';

/** Session-based revisions: what a client does on one Worker takes effect on the other. */
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
		title: 'The client lists tools, resources and prompts on B',
		play: ({ session }) => session.on('b', listEverything),
	},
	{
		chapter,
		title: 'B knows the name and capabilities of the client',
		play: async ({ session }) => {
			const result = await session.on('b', (client) => client.callTool({ name: 'whoami' }));
			const client = result.structuredContent;
			const { name, version } = sessionClientInfo;
			expectThat(
				isRecord(client) &&
					client['name'] === name &&
					client['version'] === version &&
					isRecord(client['capabilities']) &&
					'elicitation' in client['capabilities'],
				`${name} ${version} with elicitation`,
				client ?? result.content,
			);
			return `${name} ${version}, capabilities ${JSON.stringify(client['capabilities'])}`;
		},
	},
	{
		chapter,
		title: 'The client has a GET stream open on A',
		play: async ({ session }) => {
			const status = await session.streamOpened;
			expectThat(status === 200, 'status 200', `status ${status}`);
			return 'status 200, an event stream';
		},
	},
	{
		chapter,
		title: 'B announces a change of the tools; the stream on A receives it',
		play: ({ session }) => announceToolsOnB(session),
	},
	{
		chapter,
		title: 'The Durable Object is evicted; the stream on A stays open and receives the next change',
		play: async ({ session, workers }) => {
			const evicted = await evictSyncLayer(workers);
			expectThat(evicted > 0, 'an object in memory to evict', 'none');
			return `${evicted} object evicted, then ${await announceToolsOnB(session)}`;
		},
	},
	{
		chapter,
		title: 'B applies the log level that the client set on A',
		play: async ({ session }) => {
			await session.on('a', (client) => client.setLoggingLevel('warning'));
			await session.call('b', 'import_notes', { texts: ['milk', 'bread'] });
			const afterWarning = session.inbox.count('notifications/message');
			expectThat(afterWarning === 0, 'no message of level info', `${afterWarning} messages`);
			await session.on('a', (client) => client.setLoggingLevel('info'));
			await session.call('b', 'import_notes', { texts: ['eggs', 'salt'] });
			const afterInfo = session.inbox.count('notifications/message');
			session.inbox.clear();
			expectThat(afterInfo === 2, 'two messages of level info', `${afterInfo} messages`);
			return 'no info message at level "warning", two at level "info"';
		},
	},
	{
		chapter,
		title: 'The client subscribes to notes://all on A; a note added on B sends an update to A',
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
		title:
			'A call on B elicits a confirmation; the client responds through A and the call continues on B',
		play: async ({ session }) => {
			session.respondOn = 'a';
			const text = await session.call('b', 'clear_notes');
			const [elicitation] = session.elicitations;
			expectThat(
				elicitation === 'Delete all notes?',
				'the elicitation',
				elicitation ?? 'no elicitation',
			);
			expectThat(text === 'Notes deleted: 5', '"Notes deleted: 5"', text);
			return `B asked "${elicitation}", the user confirmed through A: ${text}`;
		},
	},
];

async function announceToolsOnB(session: Scene['session']): Promise<string> {
	await session.call('b', 'announce_change', { what: 'tools' });
	const respondedAt = performance.now();
	const { method } = await session.inbox.take('notifications/tools/list_changed');
	const elapsedMs = Math.max(0, performance.now() - respondedAt);
	return `${method.replace('notifications/', '')} ${elapsedMs.toFixed(1)} ms after the response of B`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null;
}
