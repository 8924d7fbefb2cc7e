import { ProbeError } from '../probe-error.ts';

/** By the code of Node.js, what is wrong with a certificate. */
const CERTIFICATE_PROBLEMS: Readonly<Record<string, string>> = {
	DEPTH_ZERO_SELF_SIGNED_CERT: 'is self-signed',
	SELF_SIGNED_CERT_IN_CHAIN: 'was issued by an authority that this machine does not trust',
	UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'comes without the intermediate certificates',
	UNABLE_TO_GET_ISSUER_CERT: 'comes without the intermediate certificates',
	UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
		'was issued by an authority that this machine does not trust, or comes without its chain',
	CERT_HAS_EXPIRED: 'has expired',
	CERT_NOT_YET_VALID: 'is not valid yet',
	ERR_TLS_CERT_ALTNAME_INVALID: 'belongs to another host name',
};

/** Translates the failure of a `fetch` into plain words. */
export function connectionError(url: URL, cause: unknown, timeoutMs: number): ProbeError {
	const { host, protocol } = url;
	const code = codeOf(cause);
	const problem = CERTIFICATE_PROBLEMS[code];
	if (problem !== undefined) {
		return new ProbeError(
			'certificate',
			`the certificate of ${host} ${problem} (${code})`,
			'MCP clients refuse it too: install a certificate of a public authority. If your organization ' +
				'has its own authority, set NODE_EXTRA_CA_CERTS to the file of its certificate',
		);
	}
	const network = networkError(url, code, timeoutMs);
	if (network) return network;
	if (protocol === 'https:' && /^(?:ERR_SSL_|EPROTO)/.test(code)) {
		return new ProbeError(
			'certificate',
			`${host} does not answer with TLS that can be used (${code})`,
			'if the server speaks plain http, as wrangler dev does, use http:// in the URL',
		);
	}
	if (/^(?:ECONNRESET|EPIPE|UND_ERR_SOCKET)$/.test(code)) {
		return new ProbeError(
			'network',
			`${host} closed the connection before its response was complete (${code})`,
			'the log of the server or of the proxy in front of it has the reason',
		);
	}
	const reason = cause instanceof Error ? reasonOf(cause) : String(cause);
	return new ProbeError(
		'network',
		`the request to ${host} failed: ${reason}`,
		'check URL and network',
	);
}

/** Returns the error of a server that cannot be reached at all. */
function networkError(
	{ host, hostname }: URL,
	code: string,
	timeoutMs: number,
): ProbeError | undefined {
	if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
		return new ProbeError(
			'network',
			`the host ${hostname} was not found (${code})`,
			'check the spelling of the host, and whether this machine has a network and a name server',
		);
	}
	if (code === 'ECONNREFUSED') {
		return new ProbeError(
			'network',
			`no server listens on ${host} (ECONNREFUSED)`,
			'start the server, or check host and port',
		);
	}
	if (code === 'TimeoutError' || /^(?:ETIMEDOUT|UND_ERR_.*TIMEOUT)$/.test(code)) {
		return new ProbeError(
			'timeout',
			`${host} sent no complete response within ${timeoutMs / 1_000} seconds`,
			'check that the server runs and that no firewall drops the connection; for a slow server raise --timeout',
		);
	}
	if (/^(?:ENETUNREACH|EHOSTUNREACH|ENETDOWN|EADDRNOTAVAIL)$/.test(code)) {
		return new ProbeError(
			'network',
			`there is no network route to ${host} (${code})`,
			'check the network',
		);
	}
	return undefined;
}

/** Returns the code of the innermost cause: `fetch` wraps what happened. */
function codeOf(error: unknown): string {
	if (!(error instanceof Error)) return '';
	// With two addresses, Node.js reports one error for each.
	const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
	const inner = codeOf(error.cause) || codeOf(first);
	if (inner) return inner;
	const code: unknown = Reflect.get(error, 'code');
	if (typeof code === 'string') return code;
	return error.name === 'TimeoutError' ? error.name : '';
}

function reasonOf({ cause, message }: Error): string {
	return cause instanceof Error ? cause.message : message;
}
