import type { Tool } from './target.ts';

/** Sorts tools by name and the members of objects by key, so that equal lists have equal texts. */
export function canonicalTools(tools: readonly Tool[]): Tool[] {
	const sorted = tools.toSorted(({ name: a }, { name: b }) => (a < b ? -1 : Number(a > b)));
	// Safe because sorting keys keeps the members.
	return sorted.map((tool) => canonical(tool) as Tool);
}

/** Returns a hash of tools that is independent of their order: `sha256:` and 64 digits. */
export async function hashTools(tools: readonly Tool[]): Promise<string> {
	const text = JSON.stringify(canonicalTools(tools));
	const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
	const digits = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0'));
	return `sha256:${digits.join('')}`;
}

function canonical(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(canonical);
	if (typeof value !== 'object' || value === null) return value;
	const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
	return Object.fromEntries(entries.map(([key, member]) => [key, canonical(member)]));
}
