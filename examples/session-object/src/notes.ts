import { SessionObject } from '@tmcp-sessions/session-object';
import type {
	AuthTokens,
	InterruptedCall,
	Session,
	SessionSettings,
	ToolResult,
} from '@tmcp-sessions/session-object';
import { createLegacySse } from '@tmcp-sessions/http/legacy-sse';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { McpServer } from 'tmcp';
import { tool } from 'tmcp/utils';
import * as v from 'valibot';

/** Declares the binding of wrangler.jsonc that the class reads. */
interface Env {
	readonly ARCHIVE: R2Bucket;
}

/** The state of a client, which its sessions share. */
interface NotesState {
	notes: string[];
	/** The number of notes that the running export has written. */
	exported: number;
}

const NOTE_MS = 400;

/** The MCP server of one client of a workspace, with its notes. */
export class Notes extends SessionObject<Env, NotesState> {
	override readonly settings: SessionSettings<NotesState> = {
		context: {
			notes: v.array(v.pipe(v.string(), v.maxLength(1_000))),
			exported: v.pipe(v.number(), v.integer()),
		},
		bucket: this.env.ARCHIVE,
		sse: createLegacySse(),
	};

	createServer(session: Session<NotesState>): McpServer<v.GenericSchema> {
		const server = new McpServer<v.GenericSchema>(
			{ name: 'notes', version: '1.0.0', description: 'Keeps your notes' },
			{
				adapter: new ValibotJsonSchemaAdapter(),
				capabilities: { tools: { listChanged: true } },
			},
		);
		server.tool(
			{ name: 'add_note', description: 'Adds a note', schema: v.object({ text: v.string() }) },
			({ text }) => {
				const notes = session.context.update('notes', (notes = []) => [...notes, text]);
				return tool.text(`${notes.length} notes`);
			},
		);
		server.tool({ name: 'list_notes', description: 'Lists the notes' }, () =>
			tool.text((session.context.get('notes') ?? []).join('\n')),
		);
		server.tool(
			{
				name: 'connect_press',
				description: 'Signs in to the press, with a token that expires after a second',
			},
			async () => {
				const tokens = {
					accessToken: 'press-1',
					refreshToken: '1',
					expiresAtMs: Date.now() + 1_000,
				};
				await session.auth.set('press', tokens);
				return tool.text('connected');
			},
		);
		server.tool({ name: 'publish', description: 'Prints the notes at the press' }, async () => {
			const tokens = await session.auth.get('press');
			if (!tokens) return tool.error('Call connect_press first');
			return tool.text(`printed with ${tokens.accessToken}`);
		});
		server.tool({ name: 'export', description: 'Exports the notes, one at a time' }, async () => {
			session.context.set('exported', 0);
			return this.#export(session);
		});
		return server;
	}

	/** Exchanges expired tokens, once for all calls that wait for them. */
	override async refreshAuth(_service: string, { refreshToken }: AuthTokens): Promise<AuthTokens> {
		const next = `${Number(refreshToken) + 1}`;
		return {
			accessToken: `press-${next}`,
			refreshToken: next,
			expiresAtMs: Date.now() + 3_600_000,
		};
	}

	/** Continues an export after the last note that was written before its object was lost. */
	override async resumeCall(
		{ tool: name }: InterruptedCall,
		session: Session<NotesState>,
	): Promise<ToolResult> {
		if (name !== 'export') throw new Error(`${name} was interrupted; call it again`);
		return this.#export(session);
	}

	async #export({ context }: Session<NotesState>): Promise<ToolResult> {
		const first = context.get('exported') ?? 0;
		const notes = context.get('notes') ?? [];
		for (let done = first; done < notes.length; done++) {
			await new Promise((resolve) => setTimeout(resolve, NOTE_MS));
			context.set('exported', done + 1);
		}
		const text = `exported ${notes.length} notes, ${notes.length - first} of them in this run`;
		return { content: [{ type: 'text', text }] };
	}
}
