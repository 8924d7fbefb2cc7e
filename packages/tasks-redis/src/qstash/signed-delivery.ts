import { Receiver } from '@upstash/qstash';

import type { QStashJob } from './qstash-queue.ts';

/** Far more than a job or a failure takes. */
const MAX_BODY_BYTES = 256 * 1024;
/** How far the clocks of QStash and of this process may differ. */
const CLOCK_TOLERANCE_SECONDS = 5;

/** How deliveries are verified. */
export interface DeliveryKeys {
	/** The public address of the route, which the signature covers. */
	readonly url: string;
	readonly currentSigningKey: string;
	readonly nextSigningKey: string;
}

/** What QStash has delivered: a job, or the failure of one after its last retry. */
export interface Delivery {
	readonly job: QStashJob;
	readonly hasFailed: boolean;
}

/** Verifies and parses deliveries. */
export class SignedDeliveries {
	readonly #url: string;
	readonly #receiver: Receiver;

	constructor({ currentSigningKey, nextSigningKey, url }: DeliveryKeys) {
		this.#url = url;
		this.#receiver = new Receiver({ currentSigningKey, nextSigningKey, devMode: false });
	}

	/** Returns a delivery, or the response that rejects the request. */
	async read(request: Request): Promise<Delivery | Response> {
		if (request.method !== 'POST') return rejection(405, 'Send a POST request');
		const signature = request.headers.get('upstash-signature');
		if (!signature) return unsigned();
		if (Number(request.headers.get('content-length')) > MAX_BODY_BYTES) return tooLarge();
		const body = await request.text();
		if (body.length > MAX_BODY_BYTES) return tooLarge();
		if (!(await this.#isSigned(signature, body))) return unsigned();
		const delivery = parseDelivery(body);
		// QStash does not repeat a delivery with this status and header.
		return (
			delivery ??
			new Response('The message is not a job of these tasks', {
				status: 489,
				headers: { 'upstash-nonretryable-error': 'true' },
			})
		);
	}

	async #isSigned(signature: string, body: string): Promise<boolean> {
		try {
			return await this.#receiver.verify({
				signature,
				body,
				url: this.#url,
				clockTolerance: CLOCK_TOLERANCE_SECONDS,
			});
		} catch {
			return false;
		}
	}
}

function parseDelivery(body: string): Delivery | undefined {
	const fields = parseObject(body);
	if (!fields) return undefined;
	const { sourceBody } = fields;
	if (typeof sourceBody !== 'string') return asDelivery(fields, false);
	const source = parseObject(fromBase64(sourceBody));
	return source && asDelivery(source, true);
}

function asDelivery(
	{ name, wake }: Record<string, unknown>,
	hasFailed: boolean,
): Delivery | undefined {
	if (typeof name !== 'string' || !Number.isSafeInteger(wake)) return undefined;
	return { job: { name, wake: Number(wake) }, hasFailed };
}

function parseObject(text: string): Record<string, unknown> | undefined {
	try {
		const value: unknown = JSON.parse(text);
		// Safe because the members are checked.
		return typeof value === 'object' && value !== null
			? (value as Record<string, unknown>)
			: undefined;
	} catch {
		return undefined;
	}
}

function fromBase64(text: string): string {
	try {
		return atob(text);
	} catch {
		return '';
	}
}

function rejection(status: number, message: string): Response {
	return new Response(message, { status });
}

function unsigned(): Response {
	return rejection(401, 'The signature of QStash is missing or invalid');
}

function tooLarge(): Response {
	return rejection(413, `The body must have at most ${MAX_BODY_BYTES} bytes`);
}
