import { describeReply } from '../connection/call.ts';
import { passed, skipped } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { isServed } from '../target.ts';
import type { Target } from '../target.ts';

/** Checks that a client of 2026-07-28 can discover the server. */
export async function checkStatelessHandshake({ stateless }: Target): Promise<Finding> {
	if (isServed(stateless)) {
		return passed(`${stateless.serverName} serves stateless clients (2026-07-28)`);
	}
	return skipped(
		`the server does not serve 2026-07-28: discovery was ${describeReply(stateless)}`,
		{
			cause: 'clients of that revision open a session instead',
		},
	);
}
