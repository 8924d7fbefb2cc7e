import * as fc from 'fast-check';

const JSON_AND_SSE = 'application/json, text/event-stream';

/** The headers of a session request; `{session}` and `{token}` are replaced when it is sent. */
const sessionHeaders: Readonly<Record<string, string>> = {
	'content-type': 'application/json',
	accept: JSON_AND_SSE,
	authorization: 'Bearer {token}',
	'mcp-session-id': '{session}',
};

/** Returns the headers that fit this message: those of a session, or of a stateless request. */
export function headersOf(message: unknown): Readonly<Record<string, string>> {
	const { method, params } = fields(message);
	const { name, uri, _meta } = fields(params);
	if (typeof method !== 'string' || !_meta) return sessionHeaders;
	const target = name ?? uri;
	return {
		'content-type': 'application/json',
		accept: JSON_AND_SSE,
		authorization: 'Bearer {token}',
		'mcp-protocol-version': '2026-07-28',
		'mcp-method': sendable(method),
		...(typeof target === 'string' && { 'mcp-name': sendable(target) }),
	};
}

function fields(value: unknown): Record<string, unknown> {
	// Safe because every field is `unknown`.
	return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** Returns UTF-8 read as Latin-1, without characters that a header cannot contain. */
function sendable(text: string): string {
	return Buffer.from(text, 'utf8')
		.toString('latin1')
		.replaceAll(/[\0\r\n]/g, '');
}

const anything = fc.oneof(
	fc.string({ unit: 'binary', maxLength: 30 }).map(sendable),
	fc.constantFrom('', '0', '-1', 'NaN', '*', '*/*', ',', ';', '"', 'null', '__proto__', 'é'),
	fc.integer({ min: 1, max: 9_000 }).map((length) => 'x'.repeat(length)),
);

/** Values that are valid, almost valid, or valid for another request. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
	'content-type': [
		'application/json',
		'application/json; charset=utf-16',
		'Application/JSON',
		'text/plain',
		'application/json-patch',
		'text/html;application/json',
		'multipart/form-data; boundary=a',
	],
	accept: [
		JSON_AND_SSE,
		'application/json',
		'text/event-stream',
		'*/*',
		'application/*;q=0',
		'text/*',
		'TEXT/EVENT-STREAM',
		'application/json;q=0, text/event-stream;q=-1',
		'image/png',
	],
	authorization: ['Bearer {token}', 'bearer {token}', 'Basic {token}', '{token}', 'Bearer'],
	'mcp-session-id': [
		'{session}',
		'{session}x',
		'{session}, {session}',
		'"{session}"',
		'x {session}',
	],
	'mcp-protocol-version': ['2025-06-18', '2026-07-28', '2025-11-25', '2026-07-28, 2025-06-18', '1'],
	'mcp-method': ['tools/call', 'initialize', 'subscriptions/listen', 'TOOLS/CALL'],
	'mcp-name': ['echo', 'test://a', '=?base64?ZWNobw==?=', '=?base64?%%%?='],
	'last-event-id': ['1', '{session}', '{session}:1'],
	origin: ['https://example.com', 'null', 'https://evil.example', 'http://localhost:1'],
	host: ['example.com', 'evil.example', 'localhost'],
	'content-length': ['0', '1', '99999999999', '4194305', '-1', '1e9', '0x10', '1, 1'],
	'content-encoding': ['gzip', 'identity'],
	'transfer-encoding': ['chunked', 'gzip, chunked'],
	connection: ['upgrade', 'close'],
	upgrade: ['websocket', 'h2c'],
	expect: ['100-continue'],
	'x-forwarded-host': ['evil.example'],
	'mcp-param-text': ['a', '=?base64?YQ==?='],
	'access-control-request-method': ['POST', 'TRACE'],
};

const valueOf = (name: string): fc.Arbitrary<string> =>
	fc.oneof(
		{ weight: 3, arbitrary: fc.constantFrom(...(VALUES[name] ?? [''])) },
		{ weight: 1, arbitrary: anything },
	);

const NAMES = Object.keys(VALUES);

/** The headers of a session request, with up to four replaced, removed or added. */
export const requestHeaders: fc.Arbitrary<Readonly<Record<string, string>>> = fc
	.array(
		fc
			.constantFrom(...NAMES)
			.chain((name) =>
				fc.tuple(fc.constant(name), fc.option(valueOf(name), { freq: 6, nil: undefined })),
			),
		{ maxLength: 4 },
	)
	.map((changes) => {
		const headers = new Map(Object.entries(sessionHeaders));
		for (const [name, value] of changes) {
			if (value === undefined) headers.delete(name);
			else headers.set(name, value);
		}
		return Object.fromEntries(headers);
	});
