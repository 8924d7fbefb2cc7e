import type { JSONRPCMessage } from '@modelcontextprotocol/server';

import { changeIn } from '../changes/notifications.ts';
import type { ChangeNotification } from '../changes/notifications.ts';
import type { SdkServer } from '../server/sdk-server.ts';

/** What happens with the messages of a server. */
export interface SendInterceptor {
	/** Takes a change. The SDK's transport of a request drops what belongs to no request. */
	readonly onChange: (change: ChangeNotification) => void;
	/** Returns what the transport sends of any other message. Default: the message. */
	readonly onMessage?: (message: JSONRPCMessage) => JSONRPCMessage | Promise<JSONRPCMessage>;
}

/** Intercepts what a server sends to the transport of its request. */
export function interceptSends(server: SdkServer, { onChange, onMessage }: SendInterceptor): void {
	const connect = server.connect.bind(server);
	server.connect = (transport) => {
		const send = transport.send.bind(transport);
		transport.send = async (message, options) => {
			const change = changeIn({ ...message });
			if (change) return onChange(change);
			const sent = onMessage ? onMessage(message) : message;
			await send(sent instanceof Promise ? await sent : sent, options);
		};
		return connect(transport);
	};
}
