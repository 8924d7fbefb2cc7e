/** A client with IPv6 has a network of 2^64 addresses: they count as one client. */
const IPV6_GROUPS_OF_NETWORK = 4;
const IPV6_GROUPS = 8;

/**
 * Returns the address that a request came from, if the platform vouches for it: `CF-Connecting-IP` on
 * Cloudflare, which also sets `request.cf`. Elsewhere a client could send that header itself, as it can
 * `X-Forwarded-For` everywhere.
 */
export function clientAddressOf(request: Request): string | undefined {
	const cf: unknown = Reflect.get(request, 'cf');
	const address = cf ? request.headers.get('cf-connecting-ip') : null;
	return address ? networkOf(address) : undefined;
}

/** Returns the network of an IPv6 address, and an IPv4 address as it is. */
function networkOf(address: string): string {
	if (!address.includes(':')) return address;
	const [before = '', after] = address.toLowerCase().split('::');
	const groups = before.split(':').filter(Boolean);
	if (after !== undefined) {
		const last = after.split(':').filter(Boolean);
		while (groups.length + last.length < IPV6_GROUPS) groups.push('0');
		groups.push(...last);
	}
	const network = groups.slice(0, IPV6_GROUPS_OF_NETWORK);
	return network.map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}
