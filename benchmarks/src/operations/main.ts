import { parseArgs } from 'node:util';
import { writeResult } from '../results.ts';
import { countOperations } from './count-operations.ts';
import { operationsTable } from './operations-table.ts';

const { values } = parseArgs({
	options: { json: { type: 'boolean' }, write: { type: 'boolean' } },
});
console.error('Counting the storage operations of each kind of request …');
const operations = await countOperations();
const table = operationsTable(operations);
console.log(values.json ? JSON.stringify(operations, null, 2) : table);
if (values.write) {
	writeResult('operations', operations, table);
	console.error('Written to benchmarks/results/operations.json and benchmarks/README.md.');
}
