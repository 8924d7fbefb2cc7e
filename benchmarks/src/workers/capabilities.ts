import { infoManagers } from './info-managers.ts';

/** Responds with the capabilities that each store declares. Some stores exist only in a Worker. */
export default {
	fetch(): Response {
		const capabilities = Object.entries(infoManagers).map(
			([name, createInfo]) => [name, createInfo().store.capabilities] as const,
		);
		return Response.json(Object.fromEntries(capabilities));
	},
};
