import { parseArgs } from 'node:util';
import { publish, staleDocuments } from './publish.ts';

// Compares the documents with `results/`; with `--write` they are made of it anew. Nothing is measured.
const { values } = parseArgs({ options: { write: { type: 'boolean' } } });
if (values.write) publish();
const stale = staleDocuments();
for (const line of stale) console.error(line);
if (stale.length > 0) {
	console.error('Run npm run documents, or npm run bench -- --write to measure anew.');
	process.exitCode = 1;
}
