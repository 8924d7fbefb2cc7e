import { McpServer } from 'tmcp';
import type * as v from 'valibot';
import { addContentTools } from './content-tools.ts';
import { addDiagnosticTools } from './diagnostic-tools.ts';
import { addInputRequiredFixtures } from './input-required-fixtures.ts';
import { addPrompts } from './prompts.ts';
import { addServerRequestTools } from './server-request-tools.ts';
import { addResources } from './resources.ts';
import { addSchemaTools } from './schema-tools.ts';
import { ScenarioSchemaAdapter } from './scenario-schema-adapter.ts';

/** A server with valibot schemas. */
export type ConformanceServer = McpServer<v.GenericSchema>;

/** Creates a server with every tool, resource and prompt that the official scenarios call by name. */
export function createConformanceServer(): ConformanceServer {
	const server: ConformanceServer = new McpServer(
		{ name: 'conformance', version: '1.0.0', description: 'Fixtures of the official scenarios' },
		{
			adapter: new ScenarioSchemaAdapter(),
			capabilities: {
				tools: { listChanged: true },
				resources: { listChanged: true, subscribe: true },
				prompts: { listChanged: true },
				logging: {},
				completions: {},
			},
		},
	);
	addContentTools(server);
	addSchemaTools(server);
	addServerRequestTools(server);
	addInputRequiredFixtures(server);
	addDiagnosticTools(server);
	addResources(server);
	addPrompts(server);
	return server;
}
