/**
 * Stands in for an object of the platform: members that the instance lacks are those of the object.
 * A member that a later release of the transport reads is therefore there. The proxy sits behind the
 * prototype, so that no request pays for its own proxy.
 */
export class ForwardingProxy<Target extends object> {
	static {
		const forwarding = new Proxy(
			{},
			{
				get(_target, key, receiver: ForwardingProxy<object>) {
					const { standsFor } = receiver;
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
