import { parseArgs } from 'node:util';
import { comparisonTables } from '../comparison/comparison-table.ts';
import { readCapabilities } from '../comparison/read-capabilities.ts';
import { operationsSections } from '../published-sections.ts';
import { writeResult, writeSection } from '../results.ts';
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
	const sections = operationsSections(comparison);
	for (const section of sections) writeSection(section);
	const documents = new Set(sections.map(({ document }) => document));
	console.error(`Written to benchmarks/results, ${[...documents].join(', ')}.`);
}
