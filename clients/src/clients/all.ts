import type { ClientAdapter } from '../client-adapter.ts';
import { aiSdk, aiSdkStateless } from './ai-sdk.ts';
import { inspector, inspectorStateless } from './inspector.ts';
import { langchain } from './langchain.ts';
import { mcpRemote } from './mcp-remote.ts';
import { mcporter } from './mcporter.ts';
import { fastmcp, mcpPython } from './python.ts';
import { sdk1 } from './sdk-1.ts';
import { sdk2, sdk2Stateless } from './sdk-2.ts';

/** All clients, in the order of the table. */
export const adapters: readonly ClientAdapter[] = [
	sdk1,
	sdk2,
	sdk2Stateless,
	mcpPython,
	fastmcp,
	mcpRemote,
	aiSdk,
	aiSdkStateless,
	langchain,
	mcporter,
	inspector,
	inspectorStateless,
];
