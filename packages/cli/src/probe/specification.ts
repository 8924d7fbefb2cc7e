const SITE = 'https://modelcontextprotocol.io/specification';
const TRANSPORTS = `${SITE}/2025-11-25/basic/transports`;

type Section =
	| 'acknowledgment'
	| 'lifecycle'
	| 'listChanges'
	| 'origin'
	| 'sessions'
	| 'streams'
	| 'subscriptions';

/** The sections of the specification that the checks refer to. */
export const SECTIONS: Readonly<Record<Section, string>> = {
	lifecycle: `${SITE}/2025-11-25/basic/lifecycle#initialization`,
	sessions: `${TRANSPORTS}#session-management`,
	streams: `${TRANSPORTS}#listening-for-messages-from-the-server`,
	origin: `${TRANSPORTS}#security-warning`,
	listChanges: `${SITE}/2025-11-25/server/tools#list-changed-notification`,
	subscriptions: `${SITE}/2026-07-28/basic/patterns/subscriptions#receiving-notifications`,
	acknowledgment: `${SITE}/2026-07-28/basic/patterns/subscriptions#acknowledgment`,
};
