import { parseArgs } from 'node:util';
import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import type { WorkerdVersion } from '@tmcp-sessions/testkit/workerd';
import { clearScene, setScene } from './scene.ts';
import { steps } from './steps.ts';
import { play } from './story.ts';
import type { PlayedStep } from './story.ts';

const usage = `Usage: node demo/main.ts [--json] [--workerd ${workerdVersions.join(' | ')}] [--runs N]`;

interface Options {
	json: boolean;
	version: WorkerdVersion;
	runs: number;
}

function readOptions(): Options {
	const { values } = parseArgs({
		options: {
			json: { type: 'boolean', default: false },
			workerd: { type: 'string', default: 'current' },
			runs: { type: 'string', default: '1' },
			help: { type: 'boolean', default: false },
		},
	});
	if (values.help) {
		console.log(usage);
		process.exit(0);
	}
	const version = workerdVersions.find((version) => version === values.workerd);
	const runs = Number(values.runs);
	if (version === undefined)
		throw new Error(
			`--workerd must be one of ${workerdVersions.join(', ')}; got ${values.workerd}`,
		);
	if (!Number.isInteger(runs) || runs < 1)
		throw new Error(`--runs must be an integer from 1; got ${values.runs}`);
	return { json: values.json, version, runs };
}

/** Plays the story once, on new Workers with empty storage. */
async function run(options: Options, report: (step: PlayedStep) => void): Promise<PlayedStep[]> {
	const log: string[] = [];
	const start = performance.now();
	process.stderr.write('Bundling the Worker and starting workerd … ');
	const scene = await setScene({ version: options.version, onLog: (line) => log.push(line) });
	process.stderr.write(`${Math.round(performance.now() - start)} ms\n`);
	try {
		const played = await play(steps, scene, report);
		if (!allHeld(played)) process.stderr.write(`${log.slice(-20).join('\n')}\n`);
		return played;
	} finally {
		await clearScene(scene);
	}
}

/** Returns a function that prints steps, each chapter under its title. */
function createPrinter(): (step: PlayedStep) => void {
	let chapter = '';
	return (step) => {
		if (step.chapter !== chapter) console.log(`\n${step.chapter}`);
		({ chapter } = step);
		const mark = { held: '✓', failed: '✗', skipped: '-' }[step.outcome];
		console.log(`  ${mark} ${step.title}  (${step.elapsedMs} ms)`);
		if (step.expected !== undefined) console.log(`      expected: ${step.expected}`);
		console.log(`      ${step.expected === undefined ? '' : 'saw:      '}${step.seen}`);
	};
}

function allHeld(played: readonly PlayedStep[]): boolean {
	return played.every(({ outcome }) => outcome === 'held');
}

async function main(): Promise<void> {
	const options = readOptions();
	const runs: { holds: boolean; steps: PlayedStep[] }[] = [];
	if (!options.json) {
		console.log(`Two Workers, A and B, run the same MCP server on workerd (${options.version}).`);
		console.log(
			'They are separate isolates that share one Durable Object class and one KV namespace.',
		);
	}
	for (let number = 1; number <= options.runs; number += 1) {
		if (options.runs > 1) process.stderr.write(`Run ${number} of ${options.runs}: `);
		const played = await run(options, options.json ? () => undefined : createPrinter());
		runs.push({ holds: allHeld(played), steps: played });
	}
	const played = runs.flatMap(({ steps }) => steps);
	const held = played.filter(({ outcome }) => outcome === 'held').length;
	const holds = held === played.length;
	if (options.json) console.log(JSON.stringify({ workerd: options.version, holds, runs }, null, 2));
	else console.log(`\n${held} of ${played.length} steps hold`);
	process.exitCode = holds ? 0 : 1;
}

try {
	await main();
} catch (error) {
	console.error(error instanceof Error ? error.message : error);
	process.exitCode = 1;
}
