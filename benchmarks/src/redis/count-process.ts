// Counts in a separate process, which ends with thousands of streams open. Prints the result as JSON.
import { countRedis } from '../operations/count-redis.ts';

console.log(JSON.stringify(await countRedis()));
process.exit(0);
