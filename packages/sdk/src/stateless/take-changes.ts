import type { SdkServer } from '../server/sdk-server.ts';
import { changeIn } from '../changes/notifications.ts';
import type { ChangeNotification } from '../changes/notifications.ts';

/** Takes the changes that a server sends. The SDK's transport of a request drops what belongs to no request. */
export function takeChanges(
	server: SdkServer,
	onChange: (change: ChangeNotification) => void,
): void {
	const connect = server.connect.bind(server);
	server.connect = (transport) => {
		const send = transport.send.bind(transport);
		transport.send = async (message, options) => {
			const change = changeIn({ ...message });
			if (change) onChange(change);
			else await send(message, options);
		};
		return connect(transport);
	};
}
