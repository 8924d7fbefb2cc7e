import { StreamError } from '@tmcp-sessions/core';
import type { BindingError } from '@tmcp-sessions/core';
import { classErrorOf, resolveBinding } from '@tmcp-sessions/core/backend';
import type { BindingRequirement } from '@tmcp-sessions/core/backend';
import { SESSION_OBJECT_KIND } from '@tmcp-sessions/core/internal';
import { env } from 'cloudflare:workers';

import { PACKAGE } from '../package-name.ts';
import type { SessionObjectRpc } from '../object/session-object-rpc.ts';

/** A stub with the methods that every `SessionObject` has, whatever its subclass. */
export type SessionObjectStub = DurableObjectStub<Rpc.DurableObjectBranded & SessionObjectRpc>;
type Namespace = DurableObjectNamespace<Rpc.DurableObjectBranded & SessionObjectRpc>;

/** The Durable Object namespace of a class that extends `SessionObject`, or the name of its binding. */
export type SessionObjectBinding = string | object;

/** Where new objects are created. */
export interface Placement {
	/** A region. Default: near the first request. */
	readonly locationHint?: DurableObjectLocationHint | undefined;
	/** Restricts the location. Objects of a jurisdiction can be found only with the same setting. */
	readonly jurisdiction?: DurableObjectJurisdiction | undefined;
}

/** Creates ids and stubs of session objects. Resolves its binding on first use. */
export class ObjectNamespace {
	readonly #binding: SessionObjectBinding;
	readonly #placement: Placement;
	readonly #options: DurableObjectNamespaceGetDurableObjectOptions;
	#resolved: Namespace | undefined;

	constructor(binding: SessionObjectBinding, placement: Placement) {
		this.#binding = binding;
		this.#placement = placement;
		const { locationHint } = placement;
		this.#options = locationHint === undefined ? {} : { locationHint };
	}

	/** The binding of the namespace. */
	get requirement(): BindingRequirement {
		return { kind: SESSION_OBJECT_KIND, binding: this.#binding, env };
	}

	/** Creates the error of an RPC that failed. */
	errorOf(operation: string, cause: unknown): BindingError | StreamError {
		return classErrorOf(this.requirement, cause) ?? new StreamError(PACKAGE, operation, cause);
	}

	/** Returns the id of a new object, as 64 hexadecimal characters. */
	newId(): string {
		return this.#resolve().newUniqueId().toString();
	}

	/**
	 * @param id 64 hexadecimal characters.
	 * @throws if the id belongs to another namespace.
	 */
	parseId(id: string): DurableObjectId {
		return this.#resolve().idFromString(id);
	}

	byId(id: DurableObjectId): SessionObjectStub {
		return this.#resolve().get(id, this.#options);
	}

	byName(name: string): SessionObjectStub {
		return this.#resolve().getByName(name, this.#options);
	}

	/** @throws {BindingError} if the binding is missing or is not a Durable Object namespace. */
	#resolve(): Namespace {
		if (this.#resolved) return this.#resolved;
		const namespace = resolveBinding<Namespace & object>(
			SESSION_OBJECT_KIND,
			// Safe because `resolveBinding` rejects anything but a namespace.
			this.#binding as string | (Namespace & object),
			env,
		);
		const { jurisdiction } = this.#placement;
		return (this.#resolved =
			jurisdiction === undefined ? namespace : namespace.jurisdiction(jurisdiction));
	}
}
