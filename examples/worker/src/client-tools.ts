import { tool } from 'tmcp/utils';
import * as v from 'valibot';
import type { NotesServer } from './notes-server.ts';

const WhoAmI = v.object({
	name: v.nullable(v.string()),
	version: v.nullable(v.string()),
	capabilities: v.nullable(v.looseObject({})),
	logLevel: v.nullable(v.string()),
});

/** Tools that show what the server knows of its clients and can tell them. */
export function addClientTools(server: NotesServer): void {
	server.tool(
		{
			name: 'whoami',
			description: 'Says what the server knows of the client that calls',
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
				'Tells every client that a list has changed, or every subscriber that the notes have',
			schema: v.object({ what: v.picklist(['tools', 'prompts', 'resources', 'notes']) }),
		},
		({ what }) => {
			if (what === 'notes') server.changed('resource', 'notes://all');
			else server.changed(what);
			// The call is answered at once: what was announced is still on its way.
			return tool.text(`Announced: ${what}`);
		},
	);
}
