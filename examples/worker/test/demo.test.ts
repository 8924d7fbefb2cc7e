import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { workerdVersions } from '@tmcp-sessions/testkit/workerd';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectThat } from '../demo/expectation.ts';
import { clearScene, setScene } from '../demo/scene.ts';
import { steps } from '../demo/steps.ts';
import { play } from '../demo/story.ts';
import type { PlayedStep, Step } from '../demo/story.ts';

describe.each(workerdVersions)('the story on workerd %s', (version) => {
	let played: PlayedStep[] = [];
	const log: string[] = [];

	beforeAll(async () => {
		const scene = await setScene({ version, onLog: (line) => log.push(line) });
		try {
			played = await play(steps, scene);
		} finally {
			await clearScene(scene);
		}
	}, 120_000);

	test.each(steps.map(({ title }) => title))('%s', (title) => {
		const step = played.find((candidate) => candidate.title === title);
		expect(step, log.slice(-20).join('\n')).toMatchObject({ outcome: 'held' });
	});

	test('the Workers log no error meanwhile', () => {
		// The runtime's own word for a connection that the story has cut.
		const unexpected = log.filter((line) => !/disconnected: .*Broken pipe/.test(line));
		expect(unexpected.filter((line) => /error|warn/i.test(line))).toEqual([]);
	});
});

describe('a step that does not hold', () => {
	const step = (title: string, play: () => Promise<string>): Step<null> => ({
		chapter: '',
		title,
		play,
	});

	test('is reported with what was expected and seen, and ends the story', async () => {
		const played = await play(
			[
				step('holds', async () => 'all is well'),
				step('fails', async () => {
					expectThat(false, 'two', 3);
					return '';
				}),
				step('comes after', async () => 'never seen'),
			],
			null,
		);
		expect(played).toMatchObject([
			{ title: 'holds', outcome: 'held', seen: 'all is well' },
			{ title: 'fails', outcome: 'failed', expected: 'two', seen: '3' },
			{ title: 'comes after', outcome: 'skipped' },
		]);
	});

	test('may also be one that throws', async () => {
		const played = await play([step('throws', () => Promise.reject(new Error('boom')))], null);
		expect(played).toMatchObject([{ outcome: 'failed', expected: 'no error', seen: 'boom' }]);
	});

	test('may also be one that hangs', async () => {
		const played = await play(
			[step('hangs', () => new Promise(() => undefined))],
			null,
			undefined,
			50,
		);
		expect(played).toMatchObject([{ outcome: 'failed', seen: 'nothing' }]);
	});
});

interface Ended {
	exitCode: number | null;
	stdout: string;
	stderr: string;
	/** Process group of the command and of everything that it started. */
	group: number;
}

/**
 * Runs the demo as a command, in a process group of its own.
 *
 * @param endAfter what it has to print as progress before it is told to end.
 */
async function runDemo(args: string[], endAfter?: string): Promise<Ended> {
	const main = fileURLToPath(new URL('../demo/main.ts', import.meta.url));
	const child = spawn(process.execPath, [main, ...args], {
		detached: true,
		stdio: ['ignore', 'pipe', 'pipe'],
		timeout: 60_000,
	});
	const pid = child.pid ?? 0;
	let stdout = '';
	let stderr = '';
	child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
	child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
		const before = stderr;
		stderr += chunk;
		if (endAfter === undefined || before.includes(endAfter)) return;
		if (stderr.includes(endAfter)) child.kill('SIGTERM');
	});
	const [exitCode] = await once(child, 'close');
	return { exitCode, stdout, stderr, group: pid };
}

/** Names of the group's processes that run; one that has ended and waits to be reaped does not. */
function running(group: number): string[] {
	const processes = execFileSync('ps', ['-eo', 'pgid=,stat=,comm='], { encoding: 'utf8' }).split(
		'\n',
	);
	return processes.filter((line) => new RegExp(`^\\s*${group}\\s+[^Z]`).test(line));
}

describe('the command', () => {
	test(
		'prints nothing but JSON to a machine and leaves no process',
		{ timeout: 60_000 },
		async () => {
			const { exitCode, stdout, group } = await runDemo(['--json']);
			const { holds, runs } = JSON.parse(stdout);
			expect({ exitCode, holds }).toEqual({ exitCode: 0, holds: true });
			await expect.poll(() => running(group)).toEqual([]);
			expect(runs[0].steps.map((step: PlayedStep) => step.title)).toEqual(
				steps.map(({ title }) => title),
			);
		},
	);

	test.each([
		{ when: 'while it starts', sign: 'Bundling' },
		{ when: 'while it plays', sign: ' ms' },
	])('leaves no process when it is told to end $when', { timeout: 60_000 }, async ({ sign }) => {
		const { exitCode, stdout, group } = await runDemo(['--json', '--runs', '20'], sign);
		// Ended by the signal itself, or by miniflare on behalf of it.
		expect({ exitCode, stdout }).toEqual({ exitCode: expect.toBeOneOf([null, 143]), stdout: '' });
		await expect.poll(() => running(group)).toEqual([]);
	});

	test('refuses a workerd that it does not know, with the ones that it does', async () => {
		const { exitCode, stderr } = await runDemo(['--workerd', '2020-01-01']);
		expect(exitCode).toBe(1);
		expect(stderr).toContain('current, 2026-07-30');
	});
});
