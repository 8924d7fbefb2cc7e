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

	test('the Workers log no unexpected error', () => {
		// workerd logs this for each connection that the story drops.
		const unexpected = log.filter((line) => !/disconnected: .*Broken pipe/.test(line));
		expect(unexpected.filter((line) => /error|warn/i.test(line))).toEqual([]);
	});
});

describe('a failing step', () => {
	const step = (title: string, play: () => Promise<string>): Step<null> => ({
		chapter: '',
		title,
		play,
	});

	test('is reported with what was expected and seen, and skips the rest', async () => {
		const played = await play(
			[
				step('holds', async () => 'fine'),
				step('fails', async () => {
					expectThat(false, 'two', 3);
					return '';
				}),
				step('comes after', async () => 'never seen'),
			],
			null,
		);
		expect(played).toMatchObject([
			{ title: 'holds', outcome: 'held', seen: 'fine' },
			{ title: 'fails', outcome: 'failed', expected: 'two', seen: '3' },
			{ title: 'comes after', outcome: 'skipped' },
		]);
	});

	test('includes one that throws', async () => {
		const played = await play([step('throws', () => Promise.reject(new Error('boom')))], null);
		expect(played).toMatchObject([{ outcome: 'failed', expected: 'no error', seen: 'boom' }]);
	});

	test('includes one that hangs', async () => {
		const played = await play(
			[step('hangs', () => new Promise(() => undefined))],
			null,
			undefined,
			50,
		);
		expect(played).toMatchObject([{ outcome: 'failed', seen: 'nothing' }]);
	});
});

interface FinishedDemo {
	exitCode: number | null;
	stdout: string;
	stderr: string;
	/** The process group of the command and its children. */
	group: number;
}

/**
 * Runs the demo as a command, in a new process group.
 *
 * @param terminateAfter the progress output after which it receives SIGTERM.
 */
async function runDemo(args: string[], terminateAfter?: string): Promise<FinishedDemo> {
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
		const previous = stderr;
		stderr += chunk;
		if (terminateAfter === undefined || previous.includes(terminateAfter)) return;
		if (stderr.includes(terminateAfter)) child.kill('SIGTERM');
	});
	const [exitCode] = await once(child, 'close');
	return { exitCode, stdout, stderr, group: pid };
}

/** Lists the running processes of the group; zombies do not count. */
function running(group: number): string[] {
	const processes = execFileSync('ps', ['-eo', 'pgid=,stat=,comm='], { encoding: 'utf8' }).split(
		'\n',
	);
	return processes.filter((line) => new RegExp(`^\\s*${group}\\s+[^Z]`).test(line));
}

describe('the command', () => {
	test('prints only JSON with --json and leaves no process', { timeout: 60_000 }, async () => {
		const { exitCode, stdout, group } = await runDemo(['--json']);
		const { holds, runs } = JSON.parse(stdout);
		expect({ exitCode, holds }).toEqual({ exitCode: 0, holds: true });
		await expect.poll(() => running(group)).toEqual([]);
		expect(runs[0].steps.map((step: PlayedStep) => step.title)).toEqual(
			steps.map(({ title }) => title),
		);
	});

	test.each([
		{ when: 'while it starts', output: 'Bundling' },
		{ when: 'while it plays', output: ' ms' },
	])('leaves no process after SIGTERM $when', { timeout: 60_000 }, async ({ output }) => {
		const { exitCode, stdout, group } = await runDemo(['--json', '--runs', '20'], output);
		// The signal ends the process (null) unless miniflare has turned it into an exit (143).
		expect({ exitCode, stdout }).toEqual({ exitCode: expect.toBeOneOf([null, 143]), stdout: '' });
		await expect.poll(() => running(group)).toEqual([]);
	});

	test('rejects an unknown workerd with the list of known ones', async () => {
		const { exitCode, stderr } = await runDemo(['--workerd', '2020-01-01']);
		expect(exitCode).toBe(1);
		expect(stderr).toContain('current, 2026-07-30');
	});
});
