/** What a user needs of a browser: it keeps cookies, fills in the form and stops where a client takes over. */
export class Browser {
	readonly #cookies = new Map<string, string>();

	/** Opens a page. Redirects are not followed. */
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

	/** Sends the form of a page that was opened at this address. */
	submit(url: URL | string, page: string, fields: Record<string, string>): Promise<Response> {
		const [, handle = ''] = /name="handle" value="([^"]+)"/.exec(page) ?? [];
		return this.open(url, { method: 'POST', body: new URLSearchParams({ handle, ...fields }) });
	}

	/**
	 * Signs in on the consent page and lets the client in.
	 *
	 * @returns the address at the client that the browser is sent back to.
	 * @throws where it is sent nowhere.
	 */
	async allow(url: URL | string, name: string, password: string): Promise<URL> {
		const page = await (await this.open(url)).text();
		const answer = await this.submit(url, page, { decision: 'allow', name, password });
		const location = answer.headers.get('location');
		if (location === null)
			throw new Error(`no redirect but ${answer.status} ${await answer.text()}`);
		return new URL(location);
	}
}
