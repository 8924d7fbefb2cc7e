import { parseArgs } from 'node:util';
import { comparisonTables } from '../comparison/comparison-table.ts';
import { readCapabilities } from '../comparison/read-capabilities.ts';
import { publish } from '../documents/publish.ts';
import { writeResult } from '../results.ts';
import { countOperations } from './count-operations.ts';
import { operationsTables } from './operations-table.ts';

const { values } = parseArgs({
	options: { json: { type: 'boolean' }, write: { type: 'boolean' } },
});
console.error('Counting the storage operations of each kind of request …');
const capabilities = await readCapabilities();
const operations = await countOperations();
const comparison = { capabilities, operations };
console.log(
	values.json
		? JSON.stringify(operations, null, 2)
		: `${operationsTables(operations)}\n\n${comparisonTables(comparison)}`,
);
if (values.write) {
	writeResult('capabilities', capabilities);
	writeResult('operations', operations);
	publish();
	console.error('Written to benchmarks/results and the documents.');
}
