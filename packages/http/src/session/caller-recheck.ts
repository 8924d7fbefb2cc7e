import { HttpRejection } from '../request/http-rejection.ts';
import type { CallerRecheck, RequestContext } from '../request/request-context.ts';
import type { Authenticator } from './authenticator.ts';

/** Authenticates the callers of open streams again: access may be revoked while a stream is open. */
export class PeriodicRecheck implements CallerRecheck {
	readonly #authenticator: Authenticator;
	readonly #intervalMs: number;

	constructor(authenticator: Authenticator, intervalMs: number) {
		this.#authenticator = authenticator;
		this.#intervalMs = intervalMs;
	}

	start(context: RequestContext, onRevoked: (rejection: HttpRejection) => void): () => void {
		let timer: ReturnType<typeof setTimeout> | undefined;
		let isStopped = false;
		const check = async (): Promise<void> => {
			const rejection = await this.#rejectionOf(context);
			if (isStopped) return;
			if (rejection) onRevoked(rejection);
			else next();
		};
		const next = (): void => {
			timer = setTimeout(() => context.waitUntil(check()), this.#intervalMs);
		};
		next();
		return () => {
			isStopped = true;
			clearTimeout(timer);
		};
	}

	/** Returns why the caller may not go on; `undefined` if it may, or if that cannot be found out now. */
	async #rejectionOf(context: RequestContext): Promise<HttpRejection | undefined> {
		const { platform, principal, request } = context.origin;
		if (!request) return undefined;
		try {
			const caller = await this.#authenticator.identify(request, platform);
			return caller.principal === principal ? undefined : changedPrincipal();
		} catch (error) {
			if (error instanceof HttpRejection) return error;
			context.report(error);
			return undefined;
		}
	}
}

function changedPrincipal(): HttpRejection {
	const message = 'The access token belongs to another principal now: open a new session';
	return new HttpRejection(401, -32001, message);
}
