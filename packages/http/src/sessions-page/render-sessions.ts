import type { ShownPage, ShownSession } from './read-sessions.ts';

const MAX_NAME_LENGTH = 80;

/** What a page is rendered from. */
interface RenderedPage extends ShownPage {
	/** The sealed cursor of the next page. */
	readonly next: string | undefined;
	readonly nonce: string;
	readonly nowMs: number;
	readonly resource: string;
}

/** Renders a page of sessions. Every value is escaped. */
export function renderSessions(page: RenderedPage): string {
	const { limits, next, nonce, nowMs, resource, sessions } = page;
	const isFiltered = resource !== '';
	const columns = [
		'Session',
		'Client',
		'Age',
		'Expires in',
		'Stream',
		'Tasks',
		...(isFiltered ? ['Subscribed'] : []),
	];
	const rows = sessions.map((session) => rowOf(session, nowMs, isFiltered));
	const query = new URLSearchParams({
		...(next !== undefined && { cursor: next }),
		...(isFiltered && { resource }),
	});
	return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Live sessions</title>
<style nonce="${escaped(nonce)}">
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem; color-scheme: light dark }
table { border-collapse: collapse }
th, td { border-bottom: 1px solid; padding: .25rem .75rem; text-align: start }
code { font-family: ui-monospace, monospace }
</style>
</head>
<body>
<h1>Live sessions</h1>
<p>${sessions.length} on this page, at ${escaped(new Date(nowMs).toISOString())}. Clients choose their names.</p>
<table>
<thead><tr>${columns.map((column) => `<th scope="col">${column}</th>`).join('')}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
<p>${next === undefined ? 'This is the last page.' : `<a rel="next" href="?${escaped(query.toString())}">Next page</a>`}</p>
<form><label>Resource <input name="resource" size="40" maxlength="2048" value="${escaped(resource)}"></label> <button>Show who is subscribed</button></form>
<h2>Not listed</h2>
<ul>${limits.map((limit) => `<li>${escaped(limit)}</li>`).join('')}</ul>
</body>
</html>
`;
}

function rowOf(session: ShownSession, nowMs: number, isFiltered: boolean): string {
	const { client, createdAtMs, digest, expiresAtMs, hasStream, isSubscribed, tasks } = session;
	const since = (ms: number): string => durationOf(nowMs - ms);
	const oldest = tasks?.oldestMs === undefined ? '' : `, the oldest for ${since(tasks.oldestMs)}`;
	const cells = [
		`<code>${escaped(digest)}</code>`,
		// The text of a client cannot change the direction of what follows.
		`<bdi>${escaped(shortened(client)) || 'unknown'}</bdi>`,
		since(createdAtMs),
		durationOf(expiresAtMs - nowMs),
		answerOf(hasStream),
		tasks ? escaped(`${tasks.running} running${oldest}; ${tasks.ended} ended`) : '–',
		...(isFiltered ? [answerOf(isSubscribed)] : []),
	];
	return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

function answerOf(value: boolean | undefined): string {
	if (value === undefined) return '–';
	return value ? 'yes' : 'no';
}

function shortened(text: string): string {
	return text.length > MAX_NAME_LENGTH ? `${text.slice(0, MAX_NAME_LENGTH)}…` : text;
}

function durationOf(ms: number): string {
	const seconds = Math.max(0, Math.floor(ms / 1000));
	if (!Number.isFinite(seconds)) return '–';
	if (seconds < 60) return `${seconds} s`;
	if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
	if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
	return `${Math.floor(seconds / 86_400)} d`;
}

const ENTITIES: Readonly<Record<string, string>> = {
	'"': '&quot;',
	'&': '&amp;',
	"'": '&#39;',
	'<': '&lt;',
	'>': '&gt;',
};

function escaped(text: string): string {
	return text.replaceAll(/["&'<>]/g, (character) => ENTITIES[character] ?? '');
}
