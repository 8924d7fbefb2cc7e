import type { StandardSchemaV1 } from '@standard-schema/spec';
import { MAX_ROW_BYTES } from '@tmcp-sessions/core/backend';

import type { Entries } from '../storage/entries.ts';
import { SessionStateError } from '../errors.ts';

/** JSON values by key. */
export type ContextValues = object;

/** A schema for each key, from any library that implements Standard Schema, such as valibot or zod. */
export type ContextSchemas<Values extends ContextValues> = {
	readonly [Key in keyof Values]: StandardSchemaV1<unknown, Values[Key]>;
};

/** Limits the size of a session's context. */
export interface ContextLimits {
	/** The length of one value as JSON, in characters. Default: 262,144. */
	readonly valueLength: number;
	/** The length of all values together. Default: 4,194,304. */
	readonly totalLength: number;
}

export const DEFAULT_CONTEXT_LIMITS: ContextLimits = {
	valueLength: 256 * 1_024,
	totalLength: 4 * 1_024 * 1_024,
};

/**
 * Key-value storage for the session's tools. It is synchronous: no other event runs between a `get`
 * and the following `set` if the code does not await in between. The platform holds each response back
 * until the preceding writes are stored.
 */
export interface SessionContext<Values extends ContextValues> {
	/**
	 * @returns undefined if the key was never set.
	 * @throws {SessionStateError} if the stored value violates the current schema.
	 */
	get<Key extends keyof Values & string>(key: Key): Values[Key] | undefined;
	/** @throws {SessionStateError} if the value violates its schema or a limit. Then it is not stored. */
	set<Key extends keyof Values & string>(key: Key, value: Values[Key]): void;
	/** Sets the key to the result of `change` and returns that. @throws as `get` and `set` do. */
	update<Key extends keyof Values & string>(
		key: Key,
		change: (value: Values[Key] | undefined) => Values[Key],
	): Values[Key];
	delete(key: keyof Values & string): void;
	/** Returns the keys that are set. */
	keys(): string[];
	/** Returns the stored value without validation, to migrate what an older deployment wrote. */
	raw(key: string): unknown;
	/** Runs `write` in a transaction, which is rolled back if it throws. It must be synchronous. */
	transaction<Result>(write: () => Result): Result;
}

/** Stores the context in the object's entries. */
export class StoredContext<Values extends ContextValues> implements SessionContext<Values> {
	readonly #entries: Entries;
	readonly #schemas: Partial<ContextSchemas<Values>>;
	readonly #limits: ContextLimits;

	/** @throws {SessionStateError} if a limit is not a positive number. */
	constructor(
		entries: Entries,
		schemas: Partial<ContextSchemas<Values>>,
		limits: ContextLimits = DEFAULT_CONTEXT_LIMITS,
	) {
		for (const [name, length] of Object.entries(limits)) {
			if (length > 0) continue;
			throw new SessionStateError(
				`settings.limits.${name} must be a positive number of characters; got ${length}`,
			);
		}
		this.#entries = entries;
		this.#schemas = schemas;
		this.#limits = limits;
	}

	get<Key extends keyof Values & string>(key: Key): Values[Key] | undefined {
		const stored = this.raw(key);
		if (stored === undefined) return undefined;
		return this.#validate(
			key,
			stored,
			(issues) =>
				`the stored value of context key "${key}" violates its schema (${issues}): a deployment has ` +
				`changed the schema. Migrate the value with context.raw("${key}") and context.set, or remove ` +
				`it with context.delete("${key}")`,
		);
	}

	set<Key extends keyof Values & string>(key: Key, value: Values[Key]): void {
		const validated = this.#validate(
			key,
			value,
			(issues) =>
				`the value for context key "${key}" violates its schema (${issues}) and was not stored; ` +
				'validate it before context.set',
		);
		// JavaScript callers can pass anything: JSON.stringify returns undefined for a function, for instance.
		const text = JSON.stringify(validated) as string | undefined;
		if (text === undefined) {
			throw new SessionStateError(
				`the value for context key "${key}" must be JSON; got ${typeof value}. Use context.delete to remove a key`,
			);
		}
		this.#checkLimits(key, text);
		this.#checkReadable(key, text);
		this.#entries.write('context', key, text);
	}

	update<Key extends keyof Values & string>(
		key: Key,
		change: (value: Values[Key] | undefined) => Values[Key],
	): Values[Key] {
		const value = change(this.get(key));
		this.set(key, value);
		return value;
	}

	delete(key: keyof Values & string): void {
		this.#entries.remove('context', key);
	}

	keys(): string[] {
		return this.#entries.list('context').map(({ key }) => key);
	}

	raw(key: string): unknown {
		const text = this.#entries.read('context', key);
		return text === undefined ? undefined : (JSON.parse(text) as unknown);
	}

	transaction<Result>(write: () => Result): Result {
		return this.#entries.atomically(() => {
			const result = write();
			if (result instanceof Promise) {
				throw new SessionStateError(
					'context.transaction requires a synchronous function; got one that returns a promise. ' +
						'Await before the transaction',
				);
			}
			return result;
		});
	}

	#validate<Key extends keyof Values & string>(
		key: Key,
		value: unknown,
		explain: (issues: string) => string,
	): Values[Key] {
		const schema = Object.hasOwn(this.#schemas, key) ? this.#schemas[key] : undefined;
		// Safe because without schemas the author of the class declares the type.
		if (!schema) return this.#withoutSchema(key, value) as Values[Key];
		const result = schema['~standard'].validate(value);
		if (result instanceof Promise) {
			throw new SessionStateError(
				`the schema of context key "${key}" is asynchronous; use a synchronous one`,
			);
		}
		if (!result.issues) return result.value;
		throw new SessionStateError(explain(describe(result.issues)));
	}

	#withoutSchema(key: string, value: unknown): unknown {
		if (Object.keys(this.#schemas).length === 0) return value;
		throw new SessionStateError(
			`"${key}" is not a context key; expected one of ${Object.keys(this.#schemas).join(', ')}. ` +
				'Add its schema to settings.context',
		);
	}

	/** Validates the serialized output of the schema again, because `get` will validate it. */
	#checkReadable<Key extends keyof Values & string>(key: Key, text: string): void {
		if (!Object.hasOwn(this.#schemas, key)) return;
		this.#validate(
			key,
			JSON.parse(text),
			(issues) =>
				`the schema of context key "${key}" rejects its own output (${issues}), so the value was not ` +
				'stored. Use a schema whose output is JSON and valid input',
		);
	}

	#checkLimits(key: string, text: string): void {
		const { valueLength, totalLength } = this.#limits;
		if (text.length > valueLength) {
			throw new SessionStateError(
				`the value for context key "${key}" has ${text.length} characters as JSON, more than the limit ` +
					`of ${valueLength}, and was not stored; store large data as artifacts or in a table of your ` +
					'own, or raise settings.limits.valueLength (a SQLite row holds 2 MB)',
			);
		}
		const bytes = text.length * 3 > MAX_ROW_BYTES ? new TextEncoder().encode(text).byteLength : 0;
		if (bytes > MAX_ROW_BYTES) {
			throw new SessionStateError(
				`the value for context key "${key}" has ${bytes} bytes as JSON, more than a SQLite row holds ` +
					`(${MAX_ROW_BYTES}), and was not stored; store large data as artifacts or in a table of your own`,
			);
		}
		const before = this.#entries.read('context', key)?.length ?? 0;
		const total = this.#entries.size('context').length - before + text.length;
		if (total <= totalLength) return;
		throw new SessionStateError(
			`with the value for key "${key}" the context would have ${total} characters, more than the limit ` +
				`of ${totalLength}, so the value was not stored; delete keys, use artifacts or a table of your ` +
				'own, or raise settings.limits.totalLength',
		);
	}
}

function describe(issues: readonly StandardSchemaV1.Issue[]): string {
	return issues
		.slice(0, 3)
		.map(({ message, path }) => {
			const at = path?.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
			return at ? `${at}: ${message}` : message;
		})
		.join(', ');
}
