/**
 * Stands for an object of the platform: what an instance lacks is that object's. What a transport asks
 * for in its next version is there, and no request pays for a proxy of its own: the one behind the
 * class is reached by what is missing alone.
 */
export class ForwardingProxy<Target extends object> {
	static {
		const forwarding = new Proxy(
			{},
			{
				get(_target, key, own: ForwardingProxy<object>) {
					const { standsFor } = own;
					const member: unknown = Reflect.get(standsFor, key);
					return typeof member === 'function' ? (member.bind(standsFor) as unknown) : member;
				},
			},
		);
		Object.setPrototypeOf(this.prototype, forwarding);
	}

	readonly standsFor: Target;

	constructor(standsFor: Target) {
		this.standsFor = standsFor;
	}
}
