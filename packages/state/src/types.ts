import type { StandardSchemaV1 } from '@standard-schema/spec';

/** A schema for each key, from any library that implements Standard Schema, such as valibot or zod. */
export type StateSchemas = Readonly<Record<string, StandardSchemaV1>>;

/** The type of the value of a key. */
type ValueOf<
	Schemas extends StateSchemas,
	Key extends keyof Schemas,
> = StandardSchemaV1.InferOutput<Schemas[Key]>;

/** Validated JSON values by key. Each method is one read, and one write if it changes something. */
export interface State<Schemas extends StateSchemas> {
	/**
	 * Returns a value, or `undefined` if there is none.
	 *
	 * @throws {StateError} if the stored value does not match its schema, which a deployment has changed.
	 */
	get<Key extends keyof Schemas & string>(key: Key): Promise<ValueOf<Schemas, Key> | undefined>;
	/** Stores a value. @throws {StateError} if it does not match its schema, is not JSON or is too large. */
	set<Key extends keyof Schemas & string>(key: Key, value: ValueOf<Schemas, Key>): Promise<void>;
	/**
	 * Stores what `change` makes of a value, and returns it. Atomic if the store is: `change` then runs
	 * again if the state was changed meanwhile.
	 *
	 * @throws as `get` and `set` do.
	 */
	update<Key extends keyof Schemas & string>(
		key: Key,
		change: (
			value: ValueOf<Schemas, Key> | undefined,
		) => Promise<ValueOf<Schemas, Key>> | ValueOf<Schemas, Key>,
	): Promise<ValueOf<Schemas, Key>>;
	/** Removes a value. */
	delete(key: keyof Schemas & string): Promise<void>;
}

/** The state of a session or of a handle. */
export interface OpenedState<Schemas extends StateSchemas> extends State<Schemas> {
	/**
	 * The handle that a tool returns, so that its client passes it to the next call. Undefined for the
	 * state of a session, which needs none.
	 */
	readonly handle: string | undefined;
}

/** How long and how often a handle is valid. */
export interface HandleOptions {
	/** From 1 to 2,592,000 (30 days). Default: `handleSeconds` of `sessionState`. */
	readonly ttlSeconds?: number | undefined;
	/**
	 * Whether `openHandle` removes the state and returns it to the first caller only. Requires an atomic
	 * store. Default: false.
	 */
	readonly singleUse?: boolean | undefined;
}

/** The state of tools. Its own methods use the session of the current request. */
export interface SessionState<Schemas extends StateSchemas> extends State<Schemas> {
	/**
	 * Opens the state that a call uses, in both eras: that of the handle, if there is one, or else that of
	 * the session. A request without a session gets a new handle.
	 *
	 * @param handle an optional argument of the tool.
	 * @throws {HandleError} if the handle is invalid.
	 */
	open(handle?: string): Promise<OpenedState<Schemas>>;
	/** Stores a value under a new handle, bound to the principal of the request. */
	createHandle<Key extends keyof Schemas & string>(
		key: Key,
		value: ValueOf<Schemas, Key>,
		options?: HandleOptions,
	): Promise<string>;
	/**
	 * Opens the state of a handle. Reads nothing, unless the handle is for a single use.
	 *
	 * @throws {HandleError} if the handle is forged, has expired, was used, or belongs to another principal.
	 */
	openHandle(handle: string): Promise<OpenedState<Schemas>>;
}
