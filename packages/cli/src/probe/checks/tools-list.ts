import { sessionRequest, statelessRequest } from '../connection/requests.ts';
import { UNKNOWN_ELSEWHERE, failed, passed, skipped } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { compareTools } from '../compare-tools.ts';
import { listTools } from '../list-tools.ts';
import { isServed } from '../target.ts';
import type { Target, Tool } from '../target.ts';
import { hashTools } from '../tools-hash.ts';

const IN_SESSION = 'in a session';

type Listing = Awaited<ReturnType<typeof listTools>>;

/** Lists the tools in both eras, which must agree, and compares them with what is expected. */
export async function checkToolsList(target: Target): Promise<Finding> {
	const { connection, expectations, sessionBased, stateless } = target;
	const listings: [era: string, listing: Listing][] = [];
	if (isServed(sessionBased) && 'tools' in sessionBased.capabilities) {
		const { session } = sessionBased;
		const listing = await listTools(connection, (call) => sessionRequest(session, call));
		listings.push([IN_SESSION, listing]);
	}
	if (isServed(stateless) && 'tools' in stateless.capabilities) {
		listings.push([
			'without a session',
			await listTools(connection, (call) => statelessRequest(call)),
		]);
	}
	for (const [era, listing] of listings) {
		if ('problem' in listing) {
			const message = `tools/list ${era} ${listing.problem}`;
			if (era === IN_SESSION && listing.isUnknownSession) return failed(message, UNKNOWN_ELSEWHERE);
			return failed(message, {
				cause: 'no client can call a tool',
				fix: 'the log of the server has the reason; often the schema of one tool cannot be converted',
			});
		}
	}
	const [tools, others] = listings.flatMap(([, listing]) =>
		'problem' in listing ? [] : [listing],
	);
	if (!tools) return skipped('the server declares no tools');
	expectations.onTools(tools);
	const found = await compareWithExpected(tools, expectations);
	if (found.status !== 'passed' || !others) return found;
	const changes = compareTools(tools.map(inBothEras), others.map(inBothEras));
	if (changes.length === 0) return found;
	return failed(`the two eras list different tools: ${changes.join('; ')}`, {
		cause: 'the first tool of each line is the one in a session',
		fix: 'list the same tools to all clients, or expect differences',
	});
}

/** Leaves out what only 2025-11-25 defines: `execution` says whether the tool may run as a task. */
function inBothEras({ execution: _execution, ...tool }: Tool): Tool {
	return tool;
}

async function compareWithExpected(
	tools: readonly Tool[],
	{ tools: expected, toolsHash }: Target['expectations'],
): Promise<Finding> {
	const hash = await hashTools(tools);
	const values = { hash, tools: tools.length };
	const changes = expected ? compareTools(expected, tools) : [];
	const isOther = toolsHash !== undefined && toolsHash !== hash;
	if (!isOther && changes.length === 0) {
		return passed(`${tools.length} ${tools.length === 1 ? 'tool' : 'tools'}, ${hash}`, { values });
	}
	const list = changes.length > 0 ? `: ${changes.join('; ')}` : '';
	return failed(`the tools differ from those that are expected${list}`, {
		cause: isOther ? `expected ${toolsHash}, found ${hash}` : `found ${hash}`,
		fix:
			changes.length > 0
				? 'deploy the expected tools, or save the new list with --save-tools'
				: 'deploy the expected tools, or expect the new hash; --expect-tools with a saved list shows the difference',
		values,
	});
}
