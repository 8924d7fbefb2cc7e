import { mutate, seededRandom } from '@tmcp-sessions/testkit';

import { SealedInfoSessionManager } from '../src/index.ts';
import { CLIENT, newKey } from './endpoint.ts';

/** Mutations opened in each run, by both `mutated-ids-*.test.ts` together. */
const MUTATIONS = 1_000_000;
/** Half in each of two files, for two cores: failed decryptions take most of the time, in one thread. */
export const HALF: number = MUTATIONS / 2;
/** Mutations opened concurrently. */
const BATCH = 1_000;

/** The result of `openMutations`. */
export interface MutationsOpened {
	readonly tried: number;
	/** Mutations that still have the form of an id, so that only decryption can reject them. */
	readonly wellFormed: number;
	/** Mutations that opened a session: a bug. */
	readonly opened: readonly string[];
	/** Whether an unchanged id opened afterwards. */
	readonly opensUnchanged: boolean;
}

/** Opens HALF mutations of sealed ids. Logs the seed, so that a failure can be repeated. */
export async function openMutations(): Promise<MutationsOpened> {
	const seed = Math.floor(Math.random() * 2 ** 32);
	console.log(`mutations of sealed ids: SEED=${seed}`);
	const restore = disableStacks();
	try {
		return await openMutationsOf(seed);
	} finally {
		restore();
	}
}

/** Each failed decryption is a WebCrypto error whose stack is never read and takes a third of the time. */
function disableStacks(): () => void {
	const { stackTraceLimit } = Error;
	Error.stackTraceLimit = 0;
	return () => {
		Error.stackTraceLimit = stackTraceLimit;
	};
}

async function openMutationsOf(seed: number): Promise<MutationsOpened> {
	const random = seededRandom(seed);
	const info = new SealedInfoSessionManager({ keys: [newKey()] });
	const ids = await sealIds(info);
	const sealed = new Set(ids);
	const opened: string[] = [];
	let tried = 0;
	let wellFormed = 0;
	while (tried < HALF) {
		const batch: string[] = [];
		while (batch.length < BATCH) {
			const id = mutate(ids, random);
			if (!sealed.has(id)) batch.push(id);
		}
		wellFormed += batch.filter((id) => /^2\.[a-z]*\d+\.[\w-]{54,}$/.test(id)).length;
		const sessions = await Promise.all(batch.map((id) => info.openSession(id, 'alice')));
		opened.push(...batch.filter((_, index) => sessions[index] !== undefined));
		tried += batch.length;
	}
	console.log(`${tried} tried, ${wellFormed} of them in the form of an id`);
	const [, , id = ''] = ids;
	const opensUnchanged = (await info.openSession(id, 'alice'))?.id === id;
	return { tried, wellFormed, opened, opensUnchanged };
}

/** Seals two sessions of each principal: ids 2 and 3 are those of `alice`. */
async function sealIds(info: SealedInfoSessionManager): Promise<string[]> {
	const ids: string[] = [];
	for (const principal of ['', 'alice', '["alice",null]']) {
		for (const shard of ['0', 'enam12']) {
			const { id } = await info.sealSession({
				clientInfo: CLIENT,
				clientCapabilities: { roots: {} },
				protocolVersion: '2025-06-18',
				principal,
				shard,
			});
			ids.push(id);
		}
	}
	return ids;
}
