/** Returns the name of the object that lists the tasks of a principal. It does not reveal the principal. */
export async function indexName(principal: string): Promise<string> {
	const bytes = new TextEncoder().encode(principal);
	const hash = await crypto.subtle.digest('SHA-256', bytes);
	const hex = [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0'));
	return `principal:${hex.join('')}`;
}
