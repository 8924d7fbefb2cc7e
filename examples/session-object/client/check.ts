import { isDeepStrictEqual } from 'node:util';

import { Visit } from './visit.ts';

/** What was looked at, and what was seen. */
export interface Check {
	readonly title: string;
	readonly holds: boolean;
	readonly seen: unknown;
}

/** The tokens of `.dev.vars.example`. */
const LAPTOP = 'anna-laptop-token';
const PHONE = 'anna-phone-token';

/**
 * What a client of the notes sees.
 *
 * @param disturb called while an export is under way: a test loses its object then.
 * @param fetchOld sends the requests of the client of the old transport.
 */
export async function checkNotes(
	url: URL,
	disturb: () => Promise<void> = async () => {},
	fetchOld: typeof fetch = fetch,
): Promise<Check[]> {
	const checks: Check[] = [];
	const check = (title: string, seen: unknown, expected: unknown): void => {
		checks.push({ title, holds: isDeepStrictEqual(seen, expected), seen });
	};
	const refused = await Visit.begin(url, 'nobody').then(
		() => 'let in',
		() => 'refused',
	);
	check('a token that nobody has is refused', refused, 'refused');

	const laptop = await Visit.begin(url, LAPTOP);
	const phone = await Visit.begin(url, PHONE);
	try {
		const marker = crypto.randomUUID();
		for (const text of ['milk', 'bread', marker]) await laptop.call('add_note', { text });
		const listed = await laptop.call('list_notes');
		check('notes are kept', listed.endsWith(`milk\nbread\n${marker}`), true);
		check(
			'another client of the workspace has its own',
			(await phone.call('list_notes')).includes(marker),
			false,
		);
		const again = await Visit.begin(url, LAPTOP);
		check('the next session of the client has them too', await again.call('list_notes'), listed);
		await again.end();

		const old = await Visit.beginOld(new URL('/sse', url), LAPTOP, fetchOld);
		check('so has one over the old SSE transport', await old.call('list_notes'), listed);
		await old.call('add_note', { text: 'eggs' });
		await old.end();
		const added = await laptop.call('list_notes');
		check('and what it adds is there for the others', added, `${listed}\neggs`);

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
		const isWhole = exported.startsWith(`exported ${count} notes`);
		checks.push({ title: 'an export comes to its end', holds: isWhole, seen: exported });
	} finally {
		await Promise.all([laptop.end(), phone.end()]);
	}
	return checks;
}

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
