import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type {
	OAuthClientInformationMixed,
	OAuthClientMetadata,
	OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { Browser } from './browser.ts';
import type { FrontDoor, Isolate } from './front-door.ts';

/** Implements the storage and redirects that the official client needs. */
class Credentials implements OAuthClientProvider {
	readonly redirectUrl = 'http://localhost:3000/callback';
	readonly clientMetadata: OAuthClientMetadata = {
		client_name: 'Visitor',
		redirect_uris: [this.redirectUrl],
		token_endpoint_auth_method: 'none',
		grant_types: ['authorization_code', 'refresh_token'],
		response_types: ['code'],
	};
	/** The tokens received, in order. */
	readonly issued: OAuthTokens[] = [];
	/** The address that the user's browser should open. */
	authorizationUrl: URL | undefined;
	client: OAuthClientInformationMixed | undefined;
	#verifier = '';

	clientInformation = (): OAuthClientInformationMixed | undefined => this.client;
	saveClientInformation = (client: OAuthClientInformationMixed): void =>
		void (this.client = client);
	tokens = (): OAuthTokens | undefined => this.issued.at(-1);
	saveTokens = (tokens: OAuthTokens): void => void this.issued.push(tokens);
	redirectToAuthorization = (url: URL): void => void (this.authorizationUrl = url);
	saveCodeVerifier = (verifier: string): void => void (this.#verifier = verifier);
	codeVerifier = (): string => this.#verifier;
}

/** The official client and its user's browser. */
export class Visitor {
	readonly credentials: Credentials = new Credentials();
	readonly client: Client = new Client({ name: 'visitor', version: '1.0.0' });
	/** The URIs of the resource updates received. */
	readonly updates: string[] = [];
	/** Resolves with the status of the GET stream when its headers arrive. */
	readonly streamOpened: Promise<number>;

	readonly #door: FrontDoor;
	#opened: (status: number) => void = () => undefined;
	#transport: StreamableHTTPClientTransport;

	constructor(door: FrontDoor) {
		this.#door = door;
		this.streamOpened = new Promise((resolve) => (this.#opened = resolve));
		this.client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
			this.updates.push(params.uri);
		});
		this.#transport = this.#newTransport();
	}

	get sessionId(): string {
		return this.#transport.sessionId ?? '';
	}

	get accessToken(): string {
		return this.credentials.tokens()?.access_token ?? '';
	}

	get clientId(): string {
		return this.credentials.client?.client_id ?? '';
	}

	/** Connects without a token, registers after the 401, and returns the authorization address. */
	async startAuthorization(): Promise<URL> {
		const rejection = await this.client.connect(this.#transport).then(
			() => new Error('the server accepted a client without a token'),
			(error: unknown) => error,
		);
		if (!(rejection instanceof UnauthorizedError)) throw rejection;
		const { authorizationUrl } = this.credentials;
		if (!authorizationUrl) throw new Error('the client has no authorization address');
		return authorizationUrl;
	}

	/** Completes the authorization code flow and obtains the first token. */
	async authorize(name: string, password: string): Promise<void> {
		const url = await this.startAuthorization();
		const back = await new Browser().allow(url, name, password);
		this.#transport = this.#newTransport();
		await this.#transport.finishAuth(back.searchParams.get('code') ?? '');
	}

	/** Opens a session and its stream on the isolate that is on duty. */
	async open(): Promise<void> {
		await this.client.connect(this.#transport);
	}

	/** Calls a tool on this isolate and returns the text of the result. */
	async call(isolate: Isolate, name: string): Promise<unknown> {
		this.#door.onDuty = isolate;
		const { content } = await this.client.callTool({ name });
		return Array.isArray(content) ? content[0]?.text : undefined;
	}

	#newTransport(): StreamableHTTPClientTransport {
		return new StreamableHTTPClientTransport(new URL('/mcp', this.#door.origin), {
			authProvider: this.credentials,
			fetch: async (url, init) => {
				const response = await fetch(url, init);
				if (init?.method === 'GET' && String(url).endsWith('/mcp')) this.#opened(response.status);
				return response;
			},
		});
	}
}
