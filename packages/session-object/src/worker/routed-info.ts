import { InfoSessionManager } from '@tmcp/session-manager';
import type { ClientCapabilities } from '@tmcp-sessions/core/backend';

/**
 * Tells the Worker's handler whether a session is live, which it checks before it opens a stream. All
 * other session metadata is read and written in the object.
 */
export class RoutedInfo extends InfoSessionManager {
	readonly #isLive: (id: string) => Promise<boolean>;

	constructor(isLive: (id: string) => Promise<boolean>) {
		super();
		this.#isLive = isLive;
	}

	override async getClientCapabilities(id: string): Promise<ClientCapabilities | undefined> {
		return (await this.#isLive(id)) ? {} : undefined;
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
