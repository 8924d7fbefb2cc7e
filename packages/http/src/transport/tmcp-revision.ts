import { methodOf, paramsOf } from '../request/json-rpc.ts';
import { servedVersion } from '../validation/headers.ts';

/** The newest revision that tmcp 1.20 negotiates. It rejects texts that are not dates with -32602. */
const TMCP_REVISION = '2025-06-18';

/** Returns an `initialize` with a revision that tmcp negotiates. Other messages are returned as they are. */
export function withTmcpRevision<Message extends object>(message: Message): Message {
	if (methodOf(message) !== 'initialize') return message;
	const params = paramsOf(message);
	const served = servedVersion(params['protocolVersion']);
	const isKnown = served !== undefined && served <= TMCP_REVISION;
	return isKnown ? message : { ...message, params: { ...params, protocolVersion: TMCP_REVISION } };
}
