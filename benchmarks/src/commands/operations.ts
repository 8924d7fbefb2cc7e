import { parseArgs } from 'node:util';
import { countOperations } from '../operations/count-operations.ts';
import { countTasks, TASKS_IN_FLIGHT } from '../operations/count-tasks.ts';
import { countRedis } from '../operations/count-redis.ts';
import { readCapabilities } from '../operations/read-capabilities.ts';
import { publish } from '../reports/documents.ts';
import { comparisonTables, operationsTables } from '../reports/operations.ts';
import { redisTables } from '../reports/redis.ts';
import { writeResult } from '../reports/results.ts';
import { taskTables } from '../reports/tasks.ts';

const { values } = parseArgs({
	options: { json: { type: 'boolean' }, write: { type: 'boolean' } },
});
console.error('Counting the storage operations of each kind of request …');
const capabilities = await readCapabilities();
const operations = await countOperations();
console.error('Counting the operations of tasks …');
// The last number takes a minute.
const tasks = await countTasks(values.write ? TASKS_IN_FLIGHT : TASKS_IN_FLIGHT.slice(0, -1));
console.error('Counting the commands of Redis …');
const redis = await countRedis();
console.log(
	values.json
		? JSON.stringify({ ...operations, tasks, redis }, null, 2)
		: [
				operationsTables(operations),
				redisTables(redis),
				comparisonTables({ capabilities, operations, redis }),
				taskTables(tasks),
			].join('\n\n'),
);
if (values.write) {
	writeResult('capabilities', capabilities);
	writeResult('operations', operations);
	writeResult('tasks', tasks);
	writeResult('redis', redis);
	await publish();
	console.error('Wrote benchmarks/results and the documents.');
}
