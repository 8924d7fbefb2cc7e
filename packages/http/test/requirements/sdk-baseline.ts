const ERRORS_ARE_RESULTS =
	'The official SDK answers every error of a tool, also a missing capability, with a result';

/**
 * The tests that a server of the official SDK fails, with the reason: here the SDK itself, and not the
 * handler around it, does otherwise than a tmcp server. A test that passes fails as stale.
 */
export const sdkBaseline: Readonly<Record<string, string>> = {
	'an unknown resource': 'The official SDK answers -32602 in both eras (SEP-2164)',
	'M11 roots-input-request, M5 missing-capability: rejects requesting roots of a client without them':
		ERRORS_ARE_RESULTS,
	'provides the client info and capabilities of initialize to later requests in the other isolate':
		ERRORS_ARE_RESULTS,
	'keeps the roots of two principals apart, however their calls interleave':
		'The official SDK keeps no roots: a tool requests them in each call',
};
