import { execFile } from 'node:child_process';
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
		expect(log.filter((line) => /error|warn/i.test(line))).toEqual([]);
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

/** Runs the demo as a command. */
function runDemo(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
	const main = fileURLToPath(new URL('../demo/main.ts', import.meta.url));
	return new Promise((resolve) => {
		execFile(process.execPath, [main, ...args], { timeout: 60_000 }, (error, stdout, stderr) => {
			const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
			resolve({ exitCode, stdout, stderr });
		});
	});
}

describe('the command', () => {
	test('prints nothing but JSON to a machine', { timeout: 60_000 }, async () => {
		const { exitCode, stdout } = await runDemo('--json');
		const { holds, runs } = JSON.parse(stdout);
		expect({ exitCode, holds }).toEqual({ exitCode: 0, holds: true });
		expect(runs[0].steps.map((step: PlayedStep) => step.title)).toEqual(
			steps.map(({ title }) => title),
		);
	});

	test('refuses a workerd that it does not know, with the ones that it does', async () => {
		const { exitCode, stderr } = await runDemo('--workerd', '2020-01-01');
		expect(exitCode).toBe(1);
		expect(stderr).toContain('current, 2026-07-30');
	});
});
