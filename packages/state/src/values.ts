import type { StandardSchemaV1 } from '@standard-schema/spec';

import { StateError } from './errors.ts';
import type { StateSchemas } from './types.ts';

/** Values by key, as JSON stores them. */
export type Values = Readonly<Record<string, unknown>>;

/** Validates the values of a state. */
export class StateValues {
	readonly #schemas: StateSchemas;
	readonly #maxBytes: number;

	constructor(schemas: StateSchemas, maxBytes: number) {
		this.#schemas = schemas;
		this.#maxBytes = maxBytes;
	}

	/** Returns a stored value. @throws {StateError} if it does not match its schema. */
	async stored(values: Values, key: string): Promise<unknown> {
		const schema = this.schemaOf(key);
		if (!Object.hasOwn(values, key)) return undefined;
		const result = await schema['~standard'].validate(values[key]);
		if (!result.issues) return result.value;
		throw new StateError(
			`the stored value of "${key}" does not match its schema (${describe(result.issues)}): a deployment ` +
				`has changed the schema. Accept the old value in the schema, or remove it with delete("${key}")`,
		);
	}

	/** Returns the values with a new one. @throws {StateError} if it is invalid or too large. */
	async with(values: Values, key: string, value: unknown): Promise<Values> {
		const schema = this.schemaOf(key);
		const result = await schema['~standard'].validate(value);
		if (result.issues) {
			throw new StateError(
				`the value of "${key}" does not match its schema (${describe(result.issues)}); nothing was stored`,
			);
		}
		const json = toJson(key, result.value);
		const parsed: unknown = JSON.parse(json);
		const again = await schema['~standard'].validate(parsed);
		if (again.issues) {
			throw new StateError(
				`the schema of "${key}" rejects its own output as JSON (${describe(again.issues)}); nothing was ` +
					'stored. Use a schema whose output is JSON and valid input',
			);
		}
		const changed = { ...values, [key]: parsed };
		const bytes = bytesOf(JSON.stringify(changed));
		if (bytes <= this.#maxBytes) return changed;
		throw new StateError(
			`the state must have at most ${this.#maxBytes} bytes as JSON; got ${bytes}, of which "${key}" has ` +
				`${bytesOf(json)}. Nothing was stored: store less, delete other keys, or raise maxBytes`,
		);
	}

	/** @throws {StateError} if the key has no schema. */
	schemaOf(key: string): StandardSchemaV1 {
		const schema = Object.hasOwn(this.#schemas, key) ? this.#schemas[key] : undefined;
		if (schema) return schema;
		const keys = Object.keys(this.#schemas).join(', ');
		// JavaScript callers can pass any value.
		const given: unknown = key;
		throw new StateError(
			`a key must be one of ${keys}; got "${String(given).slice(0, 80)}". Add its schema to sessionState`,
		);
	}
}

function toJson(key: string, value: unknown): string {
	let json: string | undefined;
	let found: string = typeof value;
	try {
		json = JSON.stringify(value) as string | undefined;
	} catch (error) {
		found = error instanceof Error ? `${found} (${error.message.split('\n')[0]})` : found;
	}
	if (json !== undefined) return json;
	throw new StateError(
		`the value of "${key}" must be JSON; got ${found}. Nothing was stored; remove a value with ` +
			`delete("${key}")`,
	);
}

function bytesOf(text: string): number {
	return new TextEncoder().encode(text).byteLength;
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
