import { infoManagers } from './info-managers.ts';

/** Says what each store promises: some of them can be made in a Worker alone. */
export default {
	fetch(): Response {
		const promises = Object.entries(infoManagers).map(
			([name, make]) => [name, make().store.capabilities] as const,
		);
		return Response.json(Object.fromEntries(promises));
	},
};
