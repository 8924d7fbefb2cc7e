import { connect } from './check.ts';

const url = new URL(process.argv[2] ?? 'http://localhost:8787/mcp');
const counts: number[] = [];
for (let session = 0; session < 2; session += 1) {
	const ada = await connect(url, 'ada');
	counts.push(await ada.count());
	await ada.close();
}
const [first = NaN, second = NaN] = counts;
const passed = second === first + 1;
console.log(`${passed ? '✓' : '✗'} the next session of the user goes on: ${first}, ${second}`);
if (!passed) process.exitCode = 1;
