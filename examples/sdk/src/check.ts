import { check, ERAS } from './client.ts';

const url = new URL(process.argv[2] ?? 'http://localhost:8787/mcp');
for (const era of Object.keys(ERAS)) {
	// Safe because these are the keys of the record.
	const { text, updated } = await check(url, era as keyof typeof ERAS);
	console.log(`${era}: ${text} ${updated} was updated.`);
}
