import { readFileSync } from 'node:fs';

/** The steps that each client takes, in order. */
export const stepNames = [
	'initialize',
	'list',
	'call',
	'progress',
	'cancel',
	'resume',
	'elicitation',
	'notifications',
	'DELETE',
] as const;
/** A step of the matrix. */
export type StepName = (typeof stepNames)[number];

/** What a server can list. */
export const kinds = ['tools', 'resources', 'templates', 'prompts'] as const;
/** A kind of things that a server lists. */
export type Kind = (typeof kinds)[number];
/** The names of tools and prompts, and the URIs of resources and templates, in order. */
export type Listing = Partial<Record<Kind, readonly string[]>>;

/** Drives one published client. Each file of `clients/` implements it for one package. */
export interface ClientAdapter {
	/** The package on npm or PyPI. */
	readonly package: string;
	/** Distinguishes the adapters of one package. */
	readonly variant?: string;
	/** The era of the protocol that the client speaks here. */
	readonly era: 'session-based' | 'stateless';
	/** What the client's API lists. */
	readonly lists: readonly Kind[];
	/** The steps that the client's API does not offer, each with the reason. */
	readonly lacks: Partial<Record<StepName, string>>;
	/** Resolves with the installed version, or with the reason that the client cannot run here. */
	prepare(): Promise<Readiness>;
	/** Connects to a server; each elicitation is accepted with `accepted`. */
	connect(url: URL, options?: ConnectOptions): Promise<ConnectedClient>;
}

/** Whether a client can run here. */
export type Readiness = { readonly version: string } | { readonly notRun: string };

/** Options of a connection. */
export interface ConnectOptions {
	readonly headers?: Readonly<Record<string, string>>;
	/** Receives the method of each notification outside of a call. */
	readonly onNotification?: (method: string) => void;
}

/** A client that is connected to a server. */
export interface ConnectedClient {
	/** Lists all pages of these kinds. */
	list(kinds: readonly Kind[]): Promise<Listing>;
	/** Calls a tool and resolves with the text of its result. */
	call(
		name: string,
		args: Readonly<Record<string, unknown>>,
		options?: CallOptions,
	): Promise<string>;
	/** Subscribes to changes of the tool list and of this resource, as far as the client must ask. */
	subscribe?(uri: string): Promise<void>;
	/** Ends the session if the client can, and closes it. */
	end(): Promise<void>;
}

/** Options of a call. */
export interface CallOptions {
	readonly signal?: AbortSignal;
	readonly onProgress?: (progress: number) => void;
}

/** The name that the clients give themselves. */
export const clientInfo = { name: 'matrix', version: '1.0.0' } as const;

/** The response of each client to an elicitation. */
export const accepted = { action: 'accept' as const, content: { sure: true } };

/** Returns the name of an adapter, unique among all. */
export function titleOf({
	package: name,
	variant,
}: Pick<ClientAdapter, 'package' | 'variant'>): string {
	return variant === undefined ? name : `${name} (${variant})`;
}

/** Returns the version of a package of this folder's `node_modules`. */
export function installedVersion(name: string): string {
	const manifest = new URL(`../node_modules/${name}/package.json`, import.meta.url);
	// Safe because every manifest has a version.
	return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

/** Resolves with the version of an npm package, which is always installed. */
export async function installedFromNpm(name: string): Promise<Readiness> {
	return { version: installedVersion(name) };
}

/** Returns the text of a tool's result. Throws if the tool failed. */
export function textOf(result: object): string {
	const content: unknown[] =
		'content' in result && Array.isArray(result.content) ? result.content : [];
	const text = content
		.map((part) =>
			typeof part === 'object' && part !== null && 'text' in part ? String(part.text) : '',
		)
		.join('\n');
	if ('isError' in result && result.isError === true) throw new Error(`the tool failed: ${text}`);
	return text;
}
