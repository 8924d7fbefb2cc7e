import type { StandardSchemaV1 } from '@standard-schema/spec';

import type { Entries } from '../storage/entries.ts';
import { SessionStateError } from '../errors.ts';

/** Values by their keys: what JSON holds. */
export type ContextValues = object;

/** A schema for each key: whatever speaks Standard Schema, such as valibot or zod. */
export type ContextSchemas<Values extends ContextValues> = {
	readonly [Key in keyof Values]: StandardSchemaV1<unknown, Values[Key]>;
};

/** How much the context of a session may hold. */
export interface ContextLimits {
	/** Of one value as JSON, in characters. Default: 262,144. */
	readonly valueLength: number;
	/** Of all values together. Default: 4,194,304. */
	readonly totalLength: number;
}

export const DEFAULT_CONTEXT_LIMITS: ContextLimits = {
	valueLength: 256 * 1_024,
	totalLength: 4 * 1_024 * 1_024,
};

/** A row holds 2 MB, its key included. */
const MAX_ROW_BYTES = 1_900_000;

/**
 * What tools remember of a session. Everything here happens at once: nothing comes between a `get`
 * and the `set` after it that does not await anything, and no answer leaves the object before what
 * was written is stored.
 */
export interface SessionContext<Values extends ContextValues> {
	/**
	 * @returns undefined where the key was never set.
	 * @throws {SessionStateError} where what is stored breaks the schema of today.
	 */
	get<Key extends keyof Values & string>(key: Key): Values[Key] | undefined;
	/** @throws {SessionStateError} for a value that breaks its schema or is over a limit; nothing is stored. */
	set<Key extends keyof Values & string>(key: Key, value: Values[Key]): void;
	/** Sets what `change` makes of the value, and returns it. @throws as `get` and `set` do. */
	update<Key extends keyof Values & string>(
		key: Key,
		change: (value: Values[Key] | undefined) => Values[Key],
	): Values[Key];
	delete(key: keyof Values & string): void;
	/** The keys that are set. */
	keys(): string[];
	/** As it is stored, whatever its schema says: to mend what an older deployment wrote. */
	raw(key: string): unknown;
	/** All that `work` writes, or nothing where it throws. It must not be async. */
	transaction<Result>(work: () => Result): Result;
}

/** The context of a session, in the object's entries. */
export class StoredContext<Values extends ContextValues> implements SessionContext<Values> {
	readonly #entries: Entries;
	readonly #schemas: Partial<ContextSchemas<Values>>;
	readonly #limits: ContextLimits;

	/** @throws {SessionStateError} for a limit that is no positive number. */
	constructor(
		entries: Entries,
		schemas: Partial<ContextSchemas<Values>>,
		limits: ContextLimits = DEFAULT_CONTEXT_LIMITS,
	) {
		for (const [name, length] of Object.entries(limits)) {
			if (length > 0) continue;
			throw new SessionStateError(
				`settings.limits.${name} must be a positive number of characters; found ${length}`,
			);
		}
		this.#entries = entries;
		this.#schemas = schemas;
		this.#limits = limits;
	}

	get<Key extends keyof Values & string>(key: Key): Values[Key] | undefined {
		const stored = this.raw(key);
		if (stored === undefined) return undefined;
		return this.#checked(key, stored, (issue) =>
			[
				`what is stored as "${key}" in the context breaks its schema (${issue})`,
				`a deployment has changed the schema: bring the value forward with context.raw("${key}") and ` +
					`context.set, or let go of it with context.delete("${key}")`,
			].join('; '),
		);
	}

	set<Key extends keyof Values & string>(key: Key, value: Values[Key]): void {
		const checked = this.#checked(
			key,
			value,
			(issue) =>
				`the value for "${key}" in the context breaks its schema (${issue}); nothing was stored. ` +
				'Check it before you set it',
		);
		// From JavaScript anything can come in here: of what is no JSON there is none.
		const text = JSON.stringify(checked) as string | undefined;
		if (text === undefined) {
			throw new SessionStateError(
				`the value for "${key}" in the context is no JSON: found ${typeof value}. Use context.delete to remove a key`,
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

	transaction<Result>(work: () => Result): Result {
		return this.#entries.atomically(() => {
			const result = work();
			if (result instanceof Promise) {
				throw new SessionStateError(
					'context.transaction takes a function that returns at once; found one that returns a ' +
						'promise. Await first, and write then',
				);
			}
			return result;
		});
	}

	#checked<Key extends keyof Values & string>(
		key: Key,
		value: unknown,
		explain: (issue: string) => string,
	): Values[Key] {
		const schema = Object.hasOwn(this.#schemas, key) ? this.#schemas[key] : undefined;
		// Sound: without a schema the type is its author's own claim.
		if (!schema) return this.#unchecked(key, value) as Values[Key];
		const result = schema['~standard'].validate(value);
		if (result instanceof Promise) {
			throw new SessionStateError(
				`the schema for "${key}" in the context is asynchronous; use one that answers at once`,
			);
		}
		if (!result.issues) return result.value;
		throw new SessionStateError(explain(describe(result.issues)));
	}

	#unchecked(key: string, value: unknown): unknown {
		if (Object.keys(this.#schemas).length === 0) return value;
		throw new SessionStateError(
			`the context has no key "${key}"; expected one of ${Object.keys(this.#schemas).join(', ')}. ` +
				'Add its schema to settings.context',
		);
	}

	/** What is read is what JSON made of what the schema made of it. */
	#checkReadable<Key extends keyof Values & string>(key: Key, text: string): void {
		if (!Object.hasOwn(this.#schemas, key)) return;
		this.#checked(
			key,
			JSON.parse(text),
			(issue) =>
				`the schema for "${key}" in the context does not take what it made of the value (${issue}); ` +
				'nothing was stored. Use one that takes JSON and gives what it takes',
		);
	}

	#checkLimits(key: string, text: string): void {
		const { valueLength, totalLength } = this.#limits;
		if (text.length > valueLength) {
			throw new SessionStateError(
				`the value for "${key}" in the context has ${text.length} characters as JSON, where at most ` +
					`${valueLength} are allowed; nothing was stored. Keep large things as artifacts or in a ` +
					'table of your own, or raise settings.limits.valueLength (a row of SQLite holds 2 MB)',
			);
		}
		const bytes = text.length * 3 > MAX_ROW_BYTES ? new TextEncoder().encode(text).byteLength : 0;
		if (bytes > MAX_ROW_BYTES) {
			throw new SessionStateError(
				`the value for "${key}" in the context has ${bytes} bytes as JSON, where a row of SQLite holds ` +
					`${MAX_ROW_BYTES}; nothing was stored. Keep large things as artifacts or in a table of your own`,
			);
		}
		const before = this.#entries.read('context', key)?.length ?? 0;
		const total = this.#entries.size('context').length - before + text.length;
		if (total <= totalLength) return;
		throw new SessionStateError(
			`with the value for "${key}" the context would have ${total} characters, where at most ` +
				`${totalLength} are allowed; nothing was stored. Delete keys, use artifacts or a table of your ` +
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
