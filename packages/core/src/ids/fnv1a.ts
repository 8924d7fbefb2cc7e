/**
 * Hashes a text with 32-bit FNV-1a: fast, synchronous and not collision resistant. Do not use it if
 * a collision is a security problem.
 */
export function fnv1a(text: string): number {
	let hash = 0x811c9dc5;
	for (let index = 0; index < text.length; index++) {
		hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
	}
	return hash >>> 0;
}
