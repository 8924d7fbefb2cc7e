import { durableObjectKind, resolveBinding } from '@tmcp-sessions/core/backend';
import type { Rpc } from '@cloudflare/workers-types';
import { env } from 'cloudflare:workers';

import { PACKAGE } from '../package-name.ts';
import type { SessionObjectMethods } from '../object/session-object-methods.ts';

/** What is called of an object: of whatever class, whose server and context are its own matter. */
export type SessionObjectStub = DurableObjectStub<Rpc.DurableObjectBranded & SessionObjectMethods>;
type Namespace = DurableObjectNamespace<Rpc.DurableObjectBranded & SessionObjectMethods>;

/** A Durable Object namespace of a class that extends `SessionObject`, or the name of its binding. */
export type SessionObjectBinding = string | object;

/** Where new objects are made. */
export interface Placement {
	/** Near what: the first request decides where an object lives. */
	readonly locationHint?: DurableObjectLocationHint | undefined;
	/** Objects that are made under one are found under it alone. */
	readonly jurisdiction?: DurableObjectJurisdiction | undefined;
}

const KIND = durableObjectKind(PACKAGE, 'YourSessionObject', 'SESSIONS');

/** The objects of a deployment's sessions. */
export class Objects {
	readonly #binding: SessionObjectBinding;
	readonly #placement: Placement;
	readonly #options: DurableObjectNamespaceGetDurableObjectOptions;
	#namespace: Namespace | undefined;

	constructor(binding: SessionObjectBinding, placement: Placement) {
		this.#binding = binding;
		this.#placement = placement;
		const { locationHint } = placement;
		this.#options = locationHint === undefined ? {} : { locationHint };
	}

	/** The id of an object that nobody has. */
	newId(): string {
		return this.#in().newUniqueId().toString();
	}

	/**
	 * @param text 64 hexadecimal characters.
	 * @throws where it is of no object of this namespace.
	 */
	idOf(text: string): DurableObjectId {
		return this.#in().idFromString(text);
	}

	byId(id: DurableObjectId): SessionObjectStub {
		return this.#in().get(id, this.#options);
	}

	byName(name: string): SessionObjectStub {
		return this.#in().getByName(name, this.#options);
	}

	/** @throws {BindingError} where the binding is missing or is no Durable Object namespace. */
	#in(): Namespace {
		if (this.#namespace) return this.#namespace;
		const found = resolveBinding<Namespace & object>(
			KIND,
			// Sound: what is no namespace is refused.
			this.#binding as string | (Namespace & object),
			env,
		);
		const { jurisdiction } = this.#placement;
		return (this.#namespace =
			jurisdiction === undefined ? found : found.jurisdiction(jurisdiction));
	}
}
