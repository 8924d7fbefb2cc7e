import { readReply } from '../connection/call.ts';
import { passed, warned } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { requestsOf } from '../eras.ts';
import { SECTIONS } from '../specification.ts';
import type { Target } from '../target.ts';

/** An origin that no server can know: the top-level domain is reserved (RFC 2606). */
const FOREIGN = 'https://probe.invalid';

/** Sends a request as a page of a foreign site would. */
export async function checkForeignOrigin(target: Target): Promise<Finding> {
	const { connection } = target;
	const request = requestsOf(target)({ method: 'tools/list', id: 60 });
	const headers = { ...request.headers, origin: FOREIGN };
	const reply = await readReply(connection, { ...request, headers });
	if (reply.status === 403) return passed('pages of other sites are refused (403)');
	if (reply.status >= 400) return passed(`pages of other sites are refused (${reply.status})`);
	return warned('a page of any web site may send requests', {
		cause:
			reply.headers.get('access-control-allow-origin') === null
				? 'the server does not check Origin, which the specification requires: a page can reach a server on ' +
					'the machine of its visitor by DNS rebinding'
				: 'the server allows every origin',
		fix: 'ignore this on a public server without secrets; otherwise allow the origins of your own pages only',
		specification: SECTIONS.origin,
	});
}
