import type { Finding } from '../finding.ts';
import type { Target } from '../target.ts';
import { checkBrowser } from './browser.ts';
import { checkChange } from './change.ts';
import { checkEndOfSession } from './end-of-session.ts';
import { checkForeignOrigin } from './foreign-origin.ts';
import { checkLatency } from './latency.ts';
import { checkMissingSession } from './missing-session.ts';
import { checkSessionAcrossConnections } from './session-across-connections.ts';
import { checkSessionHandshake } from './session-handshake.ts';
import { checkSessionStream } from './session-stream.ts';
import { checkStatelessHandshake } from './stateless-handshake.ts';
import { checkSubscription } from './subscription.ts';
import { checkTask } from './task.ts';
import { checkToolsList } from './tools-list.ts';
import { checkUnknownSession } from './unknown-session.ts';

/** A check of a server. */
export type Check = (target: Target) => Promise<Finding>;

/** All checks by name, in the order in which they run: the last one ends the session of the probe. */
export const CHECKS: Readonly<Record<string, Check>> = {
	'session-handshake': checkSessionHandshake,
	'stateless-handshake': checkStatelessHandshake,
	'tools-list': checkToolsList,
	'session-across-connections': checkSessionAcrossConnections,
	'unknown-session': checkUnknownSession,
	'missing-session': checkMissingSession,
	'session-stream': checkSessionStream,
	subscription: checkSubscription,
	change: checkChange,
	task: checkTask,
	'foreign-origin': checkForeignOrigin,
	browser: checkBrowser,
	latency: checkLatency,
	'end-of-session': checkEndOfSession,
};
