/**
 * FNV-1a in 32 bits: tells texts apart where a mistake does no harm, at once and without waiting.
 * Nothing that has to be safe may depend on it.
 */
export function fnv1a(text: string): number {
	let hash = 0x811c9dc5;
	for (let index = 0; index < text.length; index++) {
		hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
	}
	return hash >>> 0;
}
