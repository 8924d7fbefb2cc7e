import { McpClient } from './mcp-client.ts';
import type { Fields } from './mcp-client.ts';

/** One check and its result. */
export interface Check {
	readonly title: string;
	readonly holds: boolean;
	readonly seen: unknown;
}

/** What happens while the report is generated. */
export interface CheckOptions {
	/** Where the client polls, if it is not where the client calls. */
	readonly pollUrl?: () => URL;
	/** Called while the tool reads, such as to restart the server. */
	readonly whileWorking?: () => Promise<void>;
}

const TOOL = 'generate_report';
const APPROVED = { action: 'accept', content: { publish: true } };
const REPORT = 'The report of May has 2200 rows and was published.';
const POLL_MS = 200;

/** Checks a client that knows tasks, and one that polls with tools. */
export async function checkReports(url: () => URL, options: CheckOptions = {}): Promise<Check[]> {
	return [...(await checkTask(url, options)), ...(await checkPollTools(new McpClient(url, false)))];
}

async function checkTask(
	url: () => URL,
	{ pollUrl = url, whileWorking }: CheckOptions,
): Promise<Check[]> {
	const [caller, poller] = [new McpClient(url, true), new McpClient(pollUrl, true)];
	const started = await caller.request('tools/call', { name: TOOL, arguments: { month: 'May' } });
	const { taskId } = started;
	const until = async (...statuses: string[]): Promise<Fields> => {
		for (;;) {
			const task = await poller.request('tasks/get', { taskId });
			if (statuses.includes(String(task['status']))) return task;
			await new Promise((resolve) => setTimeout(resolve, POLL_MS));
		}
	};
	await whileWorking?.();
	const asking = await until('input_required', 'completed', 'failed');
	const keys = Object.keys(Object(asking['inputRequests']) as object);
	const inputResponses = Object.fromEntries(keys.map((key) => [key, APPROVED]));
	await poller.request('tasks/update', { taskId, inputResponses });
	const ended = await until('completed', 'failed');
	return [
		checked('a call returns a task at once', started['status'], 'working'),
		checked('the status message shows the progress', asking['statusMessage'], 'Read customers'),
		checked('the task asks its question', keys.length, 1),
		checked('the task has the result', textOf(ended['result']), REPORT),
	];
}

async function checkPollTools(client: McpClient): Promise<Check[]> {
	const call = (name: string, args: Fields, more: Fields = {}): Promise<Fields> =>
		client.request('tools/call', { name, arguments: args, ...more });
	const started = textOf(await call(TOOL, { month: 'May' }));
	const [, taskId = ''] = / task (t1\.\S+)\. /.exec(started) ?? [];
	let status = await call('task_status', { taskId });
	while (textOf(status).includes('is running')) {
		await new Promise((resolve) => setTimeout(resolve, POLL_MS));
		status = await call('task_status', { taskId });
	}
	const asked = status['resultType'];
	const keys = Object.keys(Object(status['inputRequests']) as object);
	const inputResponses = Object.fromEntries(keys.map((key) => [key, APPROVED]));
	status = await call('task_status', { taskId }, { inputResponses });
	while (textOf(status).includes('is running')) {
		await new Promise((resolve) => setTimeout(resolve, POLL_MS));
		status = await call('task_status', { taskId });
	}
	return [
		checked('task_status asks the question', asked, 'input_required'),
		checked('task_status returns the result', textOf(status), REPORT),
	];
}

function checked(title: string, seen: unknown, expected: unknown): Check {
	return { title, holds: seen === expected, seen };
}

function textOf(result: unknown): string {
	const { content } = Object(result) as { content?: readonly { text?: string }[] };
	return content?.[0]?.text ?? '';
}
