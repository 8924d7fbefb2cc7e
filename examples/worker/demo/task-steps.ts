import { fileURLToPath } from 'node:url';
import { startWorkers } from '@tmcp-sessions/testkit/workerd';
import type { Workers } from '@tmcp-sessions/testkit/workerd';
import { McpClient } from '../../tasks/client/mcp-client.ts';
import type { Fields } from '../../tasks/client/mcp-client.ts';
import { expectThat } from './expectation.ts';
import type { WorkerName } from './notes-workers.ts';
import type { Scene } from './scene.ts';
import type { Step } from './story.ts';

const chapter = 'A task, 2026-07-28 (examples/tasks)';
const POLL_MS = 100;
const APPROVED = { action: 'accept', content: { publish: true } };
const REPORT = 'The report of May has 2200 rows and was published.';

/** The task of the story, and the Workers that serve it. */
export interface Report {
	readonly workers: Workers<WorkerName>;
	readonly taskId: string;
	readonly startedMs: number;
}

/** Tasks: a tool that takes seconds survives a restart, and is answered on the other Worker. */
export const taskSteps: Step<Scene>[] = [
	{
		chapter,
		title: 'A call of a long tool on A returns a task at once',
		play: async (scene) => {
			const workers = await startWorkers({
				entry: fileURLToPath(new URL('../../tasks/src/index.ts', import.meta.url)),
				workers: ['a', 'b'],
				kvNamespaces: [],
				durableObjects: { TMCP_TASK_OBJECT: 'TaskObject' },
				onLog: () => {},
			});
			scene.report = { workers, taskId: '', startedMs: performance.now() };
			const params = { name: 'generate_report', arguments: { month: 'May' } };
			const { status, taskId } = await clientOf(scene, 'a').request('tools/call', params);
			expectThat(status === 'working', 'a task that works', status);
			scene.report = { ...scene.report, taskId: String(taskId) };
			return 'working';
		},
	},
	{
		chapter,
		title: 'The runtime is restarted while the tool works; B shows how far the task has come',
		play: async (scene) => {
			const reads = ({ statusMessage }: Fields): boolean =>
				String(statusMessage).startsWith('Read ');
			await until(scene, 'b', reads);
			await scene.report?.workers.restart();
			const { status, statusMessage } = await until(scene, 'b', reads);
			expectThat(status !== 'failed', 'a task that goes on', status);
			return `after the restart: ${String(status)}, "${String(statusMessage)}"`;
		},
	},
	{
		chapter,
		title: 'The task asks the user; the client answers on B',
		play: async (scene) => {
			const { inputRequests } = await until(scene, 'b', isNot('working'));
			const [key = ''] = Object.keys(Object(inputRequests) as object);
			const message = questionOf(inputRequests, key);
			expectThat(message !== '', 'a question', 'none');
			const taskId = scene.report?.taskId;
			const inputResponses = { [key]: APPROVED };
			await clientOf(scene, 'b').request('tasks/update', { taskId, inputResponses });
			return `answered "${message}"`;
		},
	},
	{
		chapter,
		title: 'A has the result',
		play: async (scene) => {
			const { result } = await until(scene, 'a', isNot('working', 'input_required'));
			const { content } = Object(result) as { content?: readonly { text?: string }[] };
			const text = content?.[0]?.text;
			expectThat(text === REPORT, REPORT, text ?? 'no result');
			return text;
		},
	},
];

function clientOf({ report }: Scene, name: WorkerName): McpClient {
	if (!report) throw new Error('expected a task; found none');
	return new McpClient(() => report.workers.url(name), true);
}

/** Polls the task until it is as expected. */
async function until(
	scene: Scene,
	name: WorkerName,
	isExpected: (task: Fields) => boolean,
): Promise<Fields> {
	for (;;) {
		const { report } = scene;
		const task = await clientOf(scene, name).request('tasks/get', { taskId: report?.taskId });
		if (isExpected(task)) return task;
		await new Promise((resolve) => setTimeout(resolve, POLL_MS));
	}
}

function isNot(...statuses: string[]): (task: Fields) => boolean {
	return ({ status }) => !statuses.includes(String(status));
}

function questionOf(inputRequests: unknown, key: string): string {
	const request = Object(Reflect.get(Object(inputRequests) as object, key)) as { params?: unknown };
	const { message } = Object(request.params) as { message?: unknown };
	return typeof message === 'string' ? message : '';
}
