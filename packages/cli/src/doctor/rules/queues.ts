import { environmentsOf, textOf } from '../declared-bindings.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import type { ConfigPath } from '../read-config.ts';
import { nearest } from '../nearest.ts';
import { placeOf } from '../read-entry.ts';
import type { Construction } from '../read-entry.ts';
import { fieldsOf, hasSpread, literalText, resolved } from '../syntax.ts';

const DEFAULT_BINDING = 'TMCP_TASK_QUEUE';
const DEFAULT_DEAD_LETTERS = 'tmcp-tasks-dead';
const DEFAULT_EXPORT = /\bexport default\b|\bas default\b/;

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
	const own = new Map([[entry.file, entry.sources.get(entry.file) ?? '']]);
	const isThere = DEFAULT_EXPORT.test(own.get(entry.file) ?? '');
	yield {
		rule: 'queues',
		severity: 'error',
		...(isThere ? placeOf(DEFAULT_EXPORT, own) : place),
		message:
			'the default export has no queue: the Worker receives no messages, and tasks never end',
		fix:
			'write export default { fetch: handler.fetch, queue: tasks.queue }, where handler is the handler ' +
			'and tasks the QueueTasks that it gets',
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
	if (index === -1) {
		const others = consumers.flatMap((each) => textOf(each, 'queue') ?? []);
		const similar = nearest(
			queue,
			others.filter((name) => name !== deadLetters),
		);
		yield similar === undefined
			? problem(
					`the Worker is not the consumer of the queue ${queue}, and its tasks never end`,
					`add to "consumers": ${JSON.stringify({ queue, max_batch_size: 1, max_batch_timeout: 0, dead_letter_queue: deadLetters })}`,
				)
			: {
					...problem(
						`the Worker is the consumer of ${similar}, and not of ${queue}, the queue of its tasks: they never end`,
						`write "queue": "${queue}" here`,
					),
					line: config.lineOf(...path, indexOf(similar)),
				};
		return;
	}
	yield* checkDeadLetters(problem, queue, deadLetters, consumers, index);
}

function* checkDeadLetters(
	problem: (message: string, fix: string) => Problem,
	queue: string,
	deadLetters: string,
	consumers: readonly unknown[],
	index: number,
): Generator<Problem> {
	const found = textOf(consumers[index], 'dead_letter_queue');
	if (found !== deadLetters) {
		const option = `, or the option deadLetterQueue of QueueTasks to "${found}"`;
		yield problem(
			`failed messages of ${queue} must go to ${deadLetters}, or their tasks never end; found ${found ?? 'none'}`,
			`set "dead_letter_queue": "${deadLetters}"${found === undefined ? ' of the consumer' : option}`,
		);
	} else if (!consumers.some((each) => textOf(each, 'queue') === deadLetters)) {
		yield problem(
			`the Worker is not the consumer of the queue ${deadLetters}: tasks of failed messages never end`,
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
