/**
 * Gives the instances of a class what they lack of a platform's interface: the members of the object
 * that each stands for. What a transport asks for in its next version is there, and no request pays
 * for a proxy, whose traps cost more than all rules of a call.
 *
 * @param targetOf the object that an instance stands for.
 */
export function forwardMembers<Own extends object>(
	to: { readonly prototype: Own },
	from: { readonly prototype: object },
	targetOf: (own: Own) => object,
): void {
	for (const key of Reflect.ownKeys(from.prototype)) {
		if (Reflect.has(to.prototype, key)) continue;
		Object.defineProperty(to.prototype, key, {
			get(this: Own): unknown {
				const target = targetOf(this);
				const member: unknown = Reflect.get(target, key, target);
				return typeof member === 'function' ? (member.bind(target) as unknown) : member;
			},
		});
	}
}
