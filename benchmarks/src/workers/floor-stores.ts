// The stores of `floors.ts`.
import { env } from 'cloudflare:workers';

/** The record of a session: one operation for each kind of request. */
export interface Store {
	write(session: string, record: string): unknown;
	read(session: string): string | null | Promise<string | null>;
	end(session: string): unknown;
	/** Returns the id of a new session. Default: a random one. */
	issue?(record: string): Promise<string>;
}

const records = new Map<string, string>();
export const memory: Store = {
	write: (session, record) => records.set(session, record),
	read: (session) => records.get(session) ?? null,
	end: (session) => records.delete(session),
};

export const kv: Store = {
	write: (session, record) => env.TMCP_SESSION_INFO.put(session, record),
	read: (session) => env.TMCP_SESSION_INFO.get(session),
	end: (session) => env.TMCP_SESSION_INFO.delete(session),
};

const rows = () => env.BARE_OBJECT.getByName('bare');
/** One row in an object that all sessions share. */
export const object: Store = {
	write: (session, record) => rows().write(session, record),
	read: (session) => rows().read(session),
	end: (session) => rows().remove(session),
};

/** The client in KV, the rest in the object. A call reads both in parallel. */
export const mixed: Store = {
	write: (session, record) =>
		Promise.all([kv.write(session, record), object.write(session, record)]),
	read: async (session) => (await Promise.all([kv.read(session), object.read(session)]))[0],
	end: (session) => Promise.all([kv.end(session), object.end(session)]),
};

/** The same, with a copy of everything in KV for calls. */
export const cached: Store = { ...mixed, read: kv.read };

/** Sends one command by Upstash's REST protocol. */
async function redis(...command: string[]): Promise<string | null> {
	const response = await fetch(env.UPSTASH_REDIS_REST_URL ?? '', {
		method: 'POST',
		headers: { authorization: `Bearer ${env.UPSTASH_REDIS_REST_TOKEN}` },
		body: JSON.stringify(command),
	});
	return (await response.json<{ result: string | null }>()).result;
}
export const upstash: Store = {
	write: (session, record) => redis('SET', session, record),
	read: (session) => redis('GET', session),
	end: (session) => redis('DEL', session),
};

const IV_BYTES = 12;
const importAesKey = (raw: Uint8Array) =>
	crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']);
let aesKey: ReturnType<typeof importAesKey> | undefined;
const key = () => (aesKey ??= importAesKey(new Uint8Array(32)));
/** The id is the record, encrypted. An isolate decrypts it once. */
export const sealed: Store = {
	async issue(record) {
		const iv = crypto.getRandomValues(Buffer.alloc(IV_BYTES));
		const algorithm = { name: 'AES-GCM', iv };
		const cipher = await crypto.subtle.encrypt(algorithm, await key(), Buffer.from(record));
		return Buffer.concat([iv, Buffer.from(cipher)]).toString('base64url');
	},
	write: () => undefined,
	async read(session) {
		const bytes = Buffer.from(session, 'base64url');
		const algorithm = { name: 'AES-GCM', iv: bytes.subarray(0, IV_BYTES) };
		const open = async () =>
			crypto.subtle.decrypt(algorithm, await key(), bytes.subarray(IV_BYTES));
		const record = records.get(session) ?? Buffer.from(await open()).toString();
		records.set(session, record);
		return record;
	},
	end: () => undefined,
};
