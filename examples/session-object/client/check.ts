import { isDeepStrictEqual } from 'node:util';

import { NotesClient } from './notes-client.ts';

/** The result of one check. */
export interface Check {
	readonly title: string;
	readonly passed: boolean;
	readonly actual: unknown;
}

/** The tokens of `.dev.vars.example`. */
const LAPTOP = 'anna-laptop-token';
const PHONE = 'anna-phone-token';

/**
 * Checks a running notes server.
 *
 * @param disturb called while an export runs. A test resets the object then.
 * @param legacyFetch sends the requests of the legacy SSE client.
 */
export async function checkNotes(
	url: URL,
	disturb: () => Promise<void> = async () => {},
	legacyFetch: typeof fetch = fetch,
): Promise<Check[]> {
	const checks: Check[] = [];
	const check = (title: string, actual: unknown, expected: unknown): void => {
		checks.push({ title, passed: isDeepStrictEqual(actual, expected), actual });
	};
	const outcome = await NotesClient.connect(url, 'unknown-token').then(
		() => 'accepted',
		() => 'rejected',
	);
	check('an unknown token is rejected', outcome, 'rejected');

	const laptop = await NotesClient.connect(url, LAPTOP);
	const phone = await NotesClient.connect(url, PHONE);
	try {
		const marker = crypto.randomUUID();
		for (const text of ['milk', 'bread', marker]) await laptop.call('add_note', { text });
		const listed = await laptop.call('list_notes');
		check('notes are stored', listed.endsWith(`milk\nbread\n${marker}`), true);
		check(
			'another client of the workspace has its own notes',
			(await phone.call('list_notes')).includes(marker),
			false,
		);
		const again = await NotesClient.connect(url, LAPTOP);
		check('the next session of the client has them', await again.call('list_notes'), listed);
		await again.close();

		const legacy = await NotesClient.connectLegacySse(new URL('/sse', url), LAPTOP, legacyFetch);
		check('a legacy SSE session has them', await legacy.call('list_notes'), listed);
		await legacy.call('add_note', { text: 'eggs' });
		await legacy.close();
		const added = await laptop.call('list_notes');
		check('other sessions have the notes that it adds', added, `${listed}\neggs`);

		await laptop.call('connect_press');
		await pause(1_200);
		const printed = await Promise.all([1, 2, 3].map(() => laptop.call('publish')));
		check(
			'expired tokens are refreshed once',
			printed,
			printed.map(() => 'printed with press-2'),
		);

		const exporting = laptop.call('export');
		await pause(2_000);
		await disturb();
		const count = added.split('\n').length;
		const exported = await exporting;
		const passed = exported.startsWith(`exported ${count} notes`);
		checks.push({ title: 'an export is complete', passed, actual: exported });
	} finally {
		await Promise.all([laptop.close(), phone.close()]);
	}
	return checks;
}

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
