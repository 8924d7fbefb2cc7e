/** Returns the name of the object that lists the tasks of an owner, see `ownerOf`. It does not reveal the owner. */
export async function indexName(owner: string): Promise<string> {
	const bytes = new TextEncoder().encode(owner);
	const hash = await crypto.subtle.digest('SHA-256', bytes);
	const hex = [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0'));
	return `principal:${hex.join('')}`;
}
