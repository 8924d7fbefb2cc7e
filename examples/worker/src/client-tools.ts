import { tool } from 'tmcp/utils';
import * as v from 'valibot';
import type { NotesServer } from './notes-server.ts';

const WhoAmI = v.object({
	name: v.nullable(v.string()),
	version: v.nullable(v.string()),
	capabilities: v.nullable(v.looseObject({})),
	logLevel: v.nullable(v.string()),
});

/** Adds tools that return the session metadata of the client and announce changes. */
export function addClientTools(server: NotesServer): void {
	server.tool(
		{
			name: 'whoami',
			description: 'Returns the name, capabilities and log level of the client',
			outputSchema: WhoAmI,
		},
		() => {
			const { clientInfo, clientCapabilities, logLevel } = server.ctx.sessionInfo ?? {};
			return tool.structured({
				name: clientInfo?.name ?? null,
				version: clientInfo?.version ?? null,
				capabilities: clientCapabilities ?? null,
				logLevel: logLevel ?? null,
			});
		},
	);

	server.tool(
		{
			name: 'announce_change',
			description:
				'Notifies every client that a list has changed, or every subscriber that the notes have',
			schema: v.object({ what: v.picklist(['tools', 'prompts', 'resources', 'notes']) }),
		},
		({ what }) => {
			if (what === 'notes') server.changed('resource', 'notes://all');
			else server.changed(what);
			// Returns before the notification is delivered: the handler keeps the request open for it.
			return tool.text(`Announced: ${what}`);
		},
	);
}
