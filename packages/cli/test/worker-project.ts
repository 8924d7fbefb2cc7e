import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The files of a project, by their path. */
export type Files = Readonly<Record<string, string>>;

/** A correct Worker over KV and Durable Objects. */
export const workerFiles: Files = {
	'src/index.ts': `import { createMcpHandler } from '@tmcp-sessions/http';
import { KVInfoSessionManager } from '@tmcp-sessions/info-kv';
import {
	DurableObjectStreamSessionManager,
	DurableObjectSubscriptionManager,
} from '@tmcp-sessions/streams-durable-object';
import { McpServer } from 'tmcp';

export { SyncLayer } from '@tmcp-sessions/streams-durable-object';

const server = new McpServer(
	{ name: 'notes', version: '1.0.0' },
	{ adapter: undefined, capabilities: { tools: { listChanged: true } } },
);

export default createMcpHandler(server, {
	streams: new DurableObjectStreamSessionManager(),
	subscriptions: new DurableObjectSubscriptionManager(),
	info: new KVInfoSessionManager(),
});
`,
	'wrangler.jsonc': `{
  "name": "notes",
  "main": "src/index.ts",
  "compatibility_date": "2026-07-01",
  "compatibility_flags": ["nodejs_compat"],

  // Connects the streams of all isolates.
  "durable_objects": {
    "bindings": [{ "name": "TMCP_DURABLE_OBJECT", "class_name": "SyncLayer" }],
  },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["SyncLayer"] }],
  "kv_namespaces": [{ "binding": "TMCP_SESSION_INFO" }],
  "secrets": { "required": ["TMCP_SESSION_KEYS"] },
}
`,
	'.dev.vars': 'TMCP_SESSION_KEYS=Qq0h3m1nX7vKZr9sT2bLd5cJf8gWpYe4uAiOx6NzB0M=\n',
	'.gitignore': 'node_modules\n.dev.vars\n',
	'package.json': JSON.stringify({
		name: 'notes',
		dependencies: {
			'@tmcp-sessions/http': '*',
			'@tmcp-sessions/info-kv': '*',
			'@tmcp-sessions/streams-durable-object': '*',
			tmcp: '^1.20.0',
		},
	}),
	'node_modules/tmcp/package.json': '{ "version": "1.20.3" }',
	'node_modules/@tmcp-sessions/http/package.json':
		'{ "version": "1.0.0", "peerDependencies": { "tmcp": "^1.20.0" } }',
};

/** A project in a temporary folder. */
export class WorkerProject implements Disposable {
	readonly folder: string = mkdtempSync(join(tmpdir(), 'tmcp-sessions-cli-'));

	constructor(files: Files) {
		for (const [path, text] of Object.entries(files)) this.write(path, text);
	}

	read(path: string): string {
		return readFileSync(join(this.folder, path), 'utf8');
	}

	write(path: string, text: string): void {
		mkdirSync(dirname(join(this.folder, path)), { recursive: true });
		writeFileSync(join(this.folder, path), text);
	}

	/** Replaces a text that the file must contain. */
	replace(path: string, text: string, other: string): void {
		const before = this.read(path);
		if (!before.includes(text)) throw new Error(`${path} must contain ${text}`);
		this.write(
			path,
			before.replace(text, () => other),
		);
	}

	remove(path: string): void {
		rmSync(join(this.folder, path));
	}

	[Symbol.dispose](): void {
		rmSync(this.folder, { recursive: true });
	}
}
