import { DurableObject } from 'cloudflare:workers';

/** Something to bind that is no KV namespace. */
export class AnObject extends DurableObject {}

export default {
	fetch(): Response {
		return new Response('not in use');
	},
};
