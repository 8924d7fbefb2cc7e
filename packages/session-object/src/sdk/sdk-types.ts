/** The members of the official SDK's `McpServer` that the adapter uses. */
export interface SdkServer {
	connect(transport: SdkTransport): Promise<void>;
	readonly server: {
		/** Called for errors outside a request. */
		onerror?: ((error: Error) => void) | undefined;
		getCapabilities(): SdkCapabilities;
		/** @throws if the server has a handler for the method. */
		assertCanSetRequestHandler(method: string): void;
	};
}

/** The capabilities that the adapter reads. */
interface SdkCapabilities {
	readonly tools?: { readonly listChanged?: boolean | undefined } | undefined;
	readonly prompts?: { readonly listChanged?: boolean | undefined } | undefined;
	readonly resources?:
		| { readonly listChanged?: boolean | undefined; readonly subscribe?: boolean | undefined }
		| undefined;
}

/** The members of the SDK's `Transport` that a server uses. */
export interface SdkTransport {
	sessionId?: string | undefined;
	onclose?: (() => void) | undefined;
	onerror?: ((error: Error) => void) | undefined;
	onmessage?: ((message: never, extra?: never) => void) | undefined;
	start(): Promise<void>;
	send(message: object): Promise<void>;
	close(): Promise<void>;
}
