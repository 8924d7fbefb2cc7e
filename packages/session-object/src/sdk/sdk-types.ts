/** What the official SDK's servers are used for here: its `McpServer` has all of it. */
export interface SdkServer {
	connect(transport: SdkTransport): Promise<void>;
	readonly server: {
		/** Told of what goes wrong with no request to answer. */
		onerror?: ((error: Error) => void) | undefined;
		getCapabilities(): SdkCapabilities;
		/** @throws where the server has a handler for the method. */
		assertCanSetRequestHandler(method: string): void;
	};
}

/** Of what a server can do, what is looked at. */
interface SdkCapabilities {
	readonly tools?: { readonly listChanged?: boolean | undefined } | undefined;
	readonly prompts?: { readonly listChanged?: boolean | undefined } | undefined;
	readonly resources?:
		| { readonly listChanged?: boolean | undefined; readonly subscribe?: boolean | undefined }
		| undefined;
}

/** The SDK's `Transport`, as far as a server uses it. */
export interface SdkTransport {
	sessionId?: string | undefined;
	onclose?: (() => void) | undefined;
	onerror?: ((error: Error) => void) | undefined;
	onmessage?: ((message: never, extra?: never) => void) | undefined;
	start(): Promise<void>;
	send(message: object): Promise<void>;
	close(): Promise<void>;
}
