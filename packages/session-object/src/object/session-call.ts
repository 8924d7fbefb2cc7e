import { invalidRequest } from '@tmcp-sessions/http/internal';
import type { AnswerHeaders } from '@tmcp-sessions/http/internal';
import type { AuthInfo } from 'tmcp';

/**
 * A request as the Worker hands it to an object: by a method and not by `fetch`, since what has to be
 * made into a request and back again is felt by every call.
 */
export interface SessionCall {
	readonly method: string;
	/** By names in lower case. */
	readonly headers: Readonly<Record<string, string>>;
	/** Empty where there is none. */
	readonly body: string;
	/** The session's id, new where it is opened; empty in the stateless era. */
	readonly session: string;
	/** Empty where sessions are nobody's. */
	readonly principal: string;
	readonly auth: AuthInfo | null;
	/** Whether the object is one session's, or an identity's. */
	readonly keptBy: 'identity' | 'session';
	/** Of the transport before Streamable HTTP: its stream begins (GET), a message, its end (DELETE). */
	readonly transport?: 'sse' | undefined;
}

/** An answer that is complete. */
export interface PlainAnswer {
	readonly status: number;
	readonly headers: Record<string, string>;
	readonly body: string;
}

/**
 * A call or an answer as one text, which is handed over at two thirds of the cost of what it says: a
 * line of JSON, and behind it the body as it is. In the JSON it would be escaped and read once more.
 */
export function packed({ body, ...head }: PlainAnswer | SessionCall): string {
	return `${JSON.stringify(head)}\n${body}`;
}

/** What a text was made of by `packed`; not to be changed: others may get the same. */
export function unpacked<Parts extends PlainAnswer | SessionCall>(text: string): Parts {
	const end = text.indexOf('\n');
	const line = text.slice(0, end);
	const known = heads.get(line);
	// Sound: both ends are of this package.
	const head = (known ?? JSON.parse(line)) as Omit<Parts, 'body'>;
	if (!known && isShared(head, text)) {
		if (heads.size >= MAX_HEADS) heads.clear();
		heads.set(line, head);
	}
	return { ...head, body: text.slice(end + 1) } as Parts;
}

/** First lines and what they say: clients repeat themselves, and to read one is felt by every call. */
const heads = new Map<string, object>();
const MAX_HEADS = 256;
/** A part of a text may keep all of it in memory. */
const MAX_HEAD_LENGTH = 4_096;

/** What a tool gets to see of its caller is for it alone. */
function isShared(head: object, text: string): boolean {
	return text.length <= MAX_HEAD_LENGTH && (!('auth' in head) || head.auth === null);
}

/** The answer to a request that is refused. */
export function refused(status: number, message: string, code = -32_603): PlainAnswer {
	const later = status === 503 ? { 'retry-after': '5' } : {};
	return {
		status,
		headers: { 'content-type': 'application/json', ...later },
		body: JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }),
	};
}

/** A plain answer on its way through the handler, which only hands it on. */
export class AnswerInHand {
	readonly plain: PlainAnswer;

	constructor(plain: PlainAnswer) {
		this.plain = plain;
	}

	static of(text: string, status: number, headers: AnswerHeaders): Response {
		const said = headers instanceof Headers ? Object.fromEntries(headers) : headers;
		const answer = new AnswerInHand({ status, headers: said, body: text });
		// Sound: from here it goes back to whoever called the handler, and nobody looks at it before.
		return answer as unknown as Response;
	}
}

/** Where the handler finds the id of a session that is opened: no client's header gets this name. */
export const NEW_SESSION = 'tmcp-new-session';

/** What a handler looks at of a request. */
class CallRequest implements Pick<Request, 'bodyUsed' | 'method' | 'signal' | 'url'> {
	readonly call: SessionCall;
	readonly method: string;
	readonly url = 'http://localhost/';
	readonly bodyUsed = false;
	readonly headers: Pick<Headers, 'get'>;
	/** Made when it is asked for: workerd of July 2026 makes none at module scope. */
	#signal: AbortSignal | undefined;

	constructor(call: SessionCall) {
		this.call = call;
		this.method = call.method;
		const { body, headers } = call;
		this.headers = {
			get(name) {
				const key = name.toLowerCase();
				if (key === NEW_SESSION) return newSessionOf(call);
				// The Worker has counted it: nobody has to count again while it is read.
				if (key === 'content-length') return `${body.length}`;
				return headers[key] ?? null;
			},
		};
	}

	/** Nobody aborts it: a client that leaves is found by the next write. */
	get signal(): AbortSignal {
		return (this.#signal ??= new AbortController().signal);
	}

	text(): Promise<string> {
		return Promise.resolve(this.call.body);
	}
}

/**
 * The id of the session that a call opens: one that the Worker made for it.
 *
 * @throws {HttpRejection} 400 for that of a session which the client has, or had: what it sent is an
 * `initialize` that the Worker did not know for one, and no session is opened twice.
 */
function newSessionOf({ headers, session }: SessionCall): string {
	if (headers['mcp-session-id'] !== session) return session;
	throw invalidRequest('initialize opens a session: send it without an Mcp-Session-Id');
}

/** The request that a handler gets. */
export function requestOf(call: SessionCall): Request {
	// Sound: the handler uses these members and no other, and hands them to the transport.
	return new CallRequest(call) as unknown as Request;
}

/** What the request was made of. */
export function callOf(request: Request): SessionCall {
	// Sound: `requestOf` alone makes the requests of an object's handler.
	return (request as unknown as CallRequest).call;
}
