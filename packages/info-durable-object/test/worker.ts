import { DurableObject } from 'cloudflare:workers';

export { SessionShard } from '../src/index.ts';

/** An object of another class: its namespace knows none of the shards' ids. */
export class AnObject extends DurableObject {}

export default {
	fetch(): Response {
		return new Response('not in use');
	},
};
