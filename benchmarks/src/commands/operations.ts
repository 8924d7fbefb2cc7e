import { parseArgs } from 'node:util';
import { countOperations } from '../operations/count-operations.ts';
import { readCapabilities } from '../operations/read-capabilities.ts';
import { publish } from '../reports/documents.ts';
import { comparisonTables, operationsTables } from '../reports/operations.ts';
import { writeResult } from '../reports/results.ts';

const { values } = parseArgs({
	options: { json: { type: 'boolean' }, write: { type: 'boolean' } },
});
console.error('Counting the storage operations of each kind of request …');
const capabilities = await readCapabilities();
const operations = await countOperations();
console.log(
	values.json
		? JSON.stringify(operations, null, 2)
		: `${operationsTables(operations)}\n\n${comparisonTables({ capabilities, operations })}`,
);
if (values.write) {
	writeResult('capabilities', capabilities);
	writeResult('operations', operations);
	await publish();
	console.error('Wrote benchmarks/results and the documents.');
}
