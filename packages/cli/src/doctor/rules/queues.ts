import { environmentsOf, textOf } from '../declared-bindings.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import type { ConfigPath } from '../read-config.ts';
import type { Construction } from '../read-entry.ts';
import { fieldsOf, hasSpread, literalText, resolved } from '../syntax.ts';

const DEFAULT_BINDING = 'TMCP_TASK_QUEUE';
const DEFAULT_DEAD_LETTERS = 'tmcp-tasks-dead';

/** Checks that the Worker consumes the queue of its tasks, and the messages that have failed. */
export function* checkQueues(project: Project): Generator<Problem> {
	const { config, entry } = project;
	const tasks = entry.constructions.filter(
		({ className, packageName }) =>
			className === 'QueueTasks' && packageName === '@tmcp-sessions/tasks-queue',
	);
	for (const construction of tasks) {
		yield* checkQueueExport(project, construction);
		for (const { name, root } of environmentsOf(config)) {
			yield* checkConsumers(project, construction, name, root);
		}
	}
}

/** Checks that the default export has the method `queue`. */
function* checkQueueExport({ entry }: Project, { place }: Construction): Generator<Problem> {
	const exported = entry.syntax.exports.get('default');
	const value = typeof exported === 'string' ? entry.syntax.declarations.get(exported) : undefined;
	const found = value && resolved(entry.syntax, value);
	if (found?.type === 'ObjectExpression' && (hasSpread(found) || fieldsOf(found).has('queue')))
		return;
	if (found?.type === 'ClassExpression' || found?.type === 'ClassDeclaration') return;
	yield {
		rule: 'queues',
		severity: 'error',
		...place,
		message:
			'the default export has no queue: the Worker receives no messages, and tasks stay working',
		fix: 'write export default { fetch: handler.fetch, queue: tasks.queue }',
	};
}

function* checkConsumers(
	{ config }: Project,
	construction: Construction,
	environment: string,
	root: ConfigPath,
): Generator<Problem> {
	const binding = nameOf(construction, 'binding', DEFAULT_BINDING);
	const deadLetters = nameOf(construction, 'deadLetterQueue', DEFAULT_DEAD_LETTERS);
	const producer = config
		.list(...root, 'queues', 'producers')
		.find((each) => textOf(each, 'binding') === binding);
	const queue = textOf(producer, 'queue');
	if (queue === undefined || deadLetters === undefined) return; // `checkBindings` reports it.
	const path = [...root, 'queues', 'consumers'];
	const consumers = config.list(...path);
	const indexOf = (name: string): number =>
		consumers.findIndex((each) => textOf(each, 'queue') === name);
	const where = environment === '' ? '' : ` in the environment ${environment}`;
	const index = indexOf(queue);
	const problem = (message: string, fix: string): Problem => ({
		rule: 'queues',
		severity: 'error',
		file: config.file,
		line: config.lineOf(...path, ...(index === -1 ? [] : [index])),
		message: `${message}${where}`,
		fix,
	});
	const consumer = { queue, max_batch_size: 1, max_batch_timeout: 0 };
	if (index === -1) {
		yield problem(
			`the Worker is not the consumer of the queue ${queue}, and its tasks stay working`,
			`add to "consumers": ${JSON.stringify({ ...consumer, dead_letter_queue: deadLetters })}`,
		);
		return;
	}
	const found = textOf(consumers[index], 'dead_letter_queue');
	if (found !== deadLetters) {
		const option = `, or the option deadLetterQueue of QueueTasks to "${found}"`;
		yield problem(
			`failed messages of ${queue} must go to ${deadLetters}, or their tasks stay working; found ${found ?? 'none'}`,
			`set "dead_letter_queue": "${deadLetters}"${found === undefined ? ' of the consumer' : option}`,
		);
	} else if (indexOf(deadLetters) === -1) {
		yield problem(
			`the Worker is not the consumer of the queue ${deadLetters}: tasks of failed messages stay working`,
			`add to "consumers": { "queue": "${deadLetters}" }`,
		);
	}
}

/** Returns the text of an option, or `undefined` if the code computes it. */
function nameOf(
	{ args: [options] }: Construction,
	option: string,
	byDefault: string,
): string | undefined {
	const fields = options?.type === 'ObjectExpression' ? fieldsOf(options) : undefined;
	return fields?.has(option) ? literalText(fields.get(option)) : byDefault;
}
