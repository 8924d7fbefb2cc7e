import { DurableObject } from 'cloudflare:workers';

/** A binding that is not a KV namespace. */
export class AnObject extends DurableObject {}

export default {
	fetch(): Response {
		return new Response('not in use');
	},
};
