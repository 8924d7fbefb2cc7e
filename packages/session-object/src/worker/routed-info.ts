import { InfoSessionManager } from '@tmcp/session-manager';
import type {
	BindingRequirement,
	BindingUser,
	ClientCapabilities,
} from '@tmcp-sessions/core/backend';

import type { ObjectNamespace, SessionObjectStub } from './object-namespace.ts';

/**
 * Tells the Worker's handler whether a session is live, which it checks before it opens a stream. All
 * other session metadata is read and written in the object.
 */
export class RoutedInfo extends InfoSessionManager implements BindingUser {
	readonly #namespace: ObjectNamespace;
	readonly #stubFor: (id: string) => Promise<SessionObjectStub>;

	/** @param stubFor returns a new stub of a session's object. */
	constructor(namespace: ObjectNamespace, stubFor: (id: string) => Promise<SessionObjectStub>) {
		super();
		this.#namespace = namespace;
		this.#stubFor = stubFor;
	}

	requiredBindings(): readonly BindingRequirement[] {
		return [this.#namespace.requirement];
	}

	/** @throws {StreamError} if the object cannot be reached. A plain error would count as an unknown session. */
	override async getClientCapabilities(id: string): Promise<ClientCapabilities | undefined> {
		const stub = await this.#stubFor(id);
		try {
			return (await stub.isLive(id)) ? {} : undefined;
		} catch (cause) {
			throw this.#namespace.errorOf('reaching the object of a session', cause);
		}
	}

	override async getClientInfo(): Promise<undefined> {}
	override async getLogLevel(): Promise<undefined> {}
	override setClientInfo(): void {}
	override setClientCapabilities(): void {}
	override setLogLevel(): void {}
	override async getSubscriptions(): Promise<string[]> {
		return [];
	}
	override addSubscription(): void {}
	override removeSubscription(): void {}
	override async delete(): Promise<void> {}
}
