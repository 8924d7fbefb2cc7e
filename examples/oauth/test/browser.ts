/** A minimal browser: keeps cookies, submits the form, does not follow redirects. */
export class Browser {
	readonly #cookies = new Map<string, string>();

	/** Opens a page without following redirects. */
	async open(url: URL | string, init: RequestInit = {}): Promise<Response> {
		const headers = new Headers(init.headers);
		headers.set('cookie', [...this.#cookies].map((pair) => pair.join('=')).join('; '));
		const response = await fetch(url, { ...init, headers, redirect: 'manual' });
		for (const cookie of response.headers.getSetCookie()) {
			const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
			if (/;\s*max-age=0/i.test(cookie)) this.#cookies.delete(name);
			else this.#cookies.set(name, value);
		}
		return response;
	}

	/** Submits the form of a page. */
	submit(url: URL | string, page: string, fields: Record<string, string>): Promise<Response> {
		const [, handle = ''] = /name="handle" value="([^"]+)"/.exec(page) ?? [];
		return this.open(url, { method: 'POST', body: new URLSearchParams({ handle, ...fields }) });
	}

	/**
	 * Signs in on the consent page and grants access.
	 *
	 * @returns the client's redirect address.
	 * @throws if the response is not a redirect.
	 */
	async allow(url: URL | string, name: string, password: string): Promise<URL> {
		const page = await (await this.open(url)).text();
		const response = await this.submit(url, page, { decision: 'allow', name, password });
		const location = response.headers.get('location');
		if (location === null)
			throw new Error(`expected a redirect; got ${response.status} ${await response.text()}`);
		return new URL(location);
	}
}
