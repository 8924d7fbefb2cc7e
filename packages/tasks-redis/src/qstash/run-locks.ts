import type { TaskDatabase } from '../store/task-database.ts';

/** Arguments: the holder and milliseconds. Returns '' if it holds the lock, or how long another one does. */
const ACQUIRE = `
local lock = KEYS[1] .. ':run'
if redis.call('SET', lock, ARGV[5], 'NX', 'PX', ARGV[6]) then return '' end
if redis.call('GET', lock) == ARGV[5] then return '' end
return tostring(math.max(redis.call('PTTL', lock), 0))
`;

/** Argument: the holder. */
const RELEASE = `
local lock = KEYS[1] .. ':run'
if redis.call('GET', lock) == ARGV[5] then redis.call('DEL', lock) end
return 1
`;

/**
 * Lets one delivery at a time run the call of a task: QStash delivers at least once, and a second delivery
 * would interrupt the call of the first one.
 */
export class RunLocks {
	readonly #database: TaskDatabase;

	constructor(database: TaskDatabase) {
		this.#database = database;
	}

	/** Returns how long another holder may have the lock, in milliseconds; `undefined` if this one has it. */
	async acquire(name: string, holder: string, forMs: number): Promise<number | undefined> {
		const args = [holder, String(forMs)];
		const reply = await this.#database.run('starting a call', ACQUIRE, name, args);
		return reply === '' ? undefined : Number(reply);
	}

	async release(name: string, holder: string): Promise<void> {
		await this.#database.run('ending a call', RELEASE, name, [holder]);
	}
}
