import { describeReply, readReply } from '../connection/call.ts';
import { objectOf } from '../connection/event-stream.ts';
import { TASKS_EXTENSION, statelessRequest } from '../connection/requests.ts';
import { failed, passed, skipped } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { withStatelessEra } from '../eras.ts';
import type { Target } from '../target.ts';

const MAX_POLLS = 120;
const MAX_POLL_MS = 2_000;

/** Starts a task, polls it from other connections until it has ended, and reads its result. */
export async function checkTask(target: Target): Promise<Finding> {
	const { connection, expectations } = target;
	const { taskTool } = expectations;
	return withStatelessEra(target, async ({ capabilities }) => {
		if (!(TASKS_EXTENSION in objectOf(capabilities, 'extensions'))) {
			if (!taskTool) return skipped('the server declares no tasks');
			return failed(`the server does not declare the extension ${TASKS_EXTENSION}`, {
				cause: `clients call ${taskTool.name} and wait for it`,
				fix: 'give the server tasks, or leave --task-tool out',
			});
		}
		if (!taskTool) return skipped('name a tool that runs as a task with --task-tool');
		const { name } = taskTool;
		const params = { ...taskTool };
		const request = statelessRequest({ method: 'tools/call', id: 50, params }, name, true);
		const started = await readReply(connection, request);
		const { resultType, taskId } = objectOf(started.response, 'result');
		if (resultType !== 'task' || typeof taskId !== 'string') {
			return failed(`${name} returned no task: ${describeReply(started)}`, {
				cause: 'the tool is not among those that run as tasks, or it needs other arguments',
				fix: 'name a call that runs as a task: --task-tool \'name={"argument": 1}\'',
			});
		}
		return poll(target, taskId, started.durationMs);
	});
}

async function poll({ connection }: Target, taskId: string, startMs: number): Promise<Finding> {
	for (let id = 0; id < MAX_POLLS; id++) {
		const get = statelessRequest({ method: 'tasks/get', id, params: { taskId } }, taskId, true);
		const reply = await readReply(connection, { ...get, isApart: true });
		const { pollIntervalMs, status } = objectOf(reply.response, 'result');
		if (typeof status !== 'string') {
			return failed(`a task could not be read on another connection: ${describeReply(reply)}`, {
				cause: 'the task is in the memory of one isolate or process',
				fix: 'keep tasks where every isolate reads them',
			});
		}
		if (status === 'completed') {
			return passed(
				`a task started in ${Math.round(startMs)} ms and completed after ${id + 1} polls`,
			);
		}
		if (status !== 'working') {
			return failed(`the task ended as ${status}`, {
				cause: 'the tool failed, was cancelled or asks for input',
				fix: 'name a tool that completes without input',
			});
		}
		const interval = typeof pollIntervalMs === 'number' ? pollIntervalMs : MAX_POLL_MS;
		await new Promise((resolve) => setTimeout(resolve, Math.min(interval, MAX_POLL_MS)));
	}
	return failed(`the task was still working after ${MAX_POLLS} polls`, {
		cause: 'the tool takes longer than this check waits, or its task has stopped',
		fix: 'name a tool that completes within a minute or two',
	});
}
