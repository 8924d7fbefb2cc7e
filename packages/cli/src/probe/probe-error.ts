/** Why an address cannot be probed at all. */
export type ProbeErrorCode =
	| 'invalid-url'
	| 'interrupted'
	| 'network'
	| 'timeout'
	| 'certificate'
	| 'redirect'
	| 'unauthorized'
	| 'not-mcp'
	| 'server-error';

/** A failure that no check can get past, in plain words. */
export class ProbeError extends Error {
	override readonly name = 'ProbeError';
	readonly code: ProbeErrorCode;
	/** What to do. */
	readonly fix: string;

	constructor(code: ProbeErrorCode, message: string, fix: string) {
		super(message);
		this.code = code;
		this.fix = fix;
	}
}
