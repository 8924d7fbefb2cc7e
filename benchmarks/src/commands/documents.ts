import { publish, staleDocuments } from '../reports/documents.ts';

// Compares the documents and charts with `results/`, or writes them with `--write`. Measures nothing.
if (process.argv.includes('--write')) await publish();
const stale = await staleDocuments();
for (const line of stale) console.error(line);
if (stale.length > 0) {
	console.error('Run npm run documents, or npm run bench -- --write to measure again.');
	process.exitCode = 1;
}
