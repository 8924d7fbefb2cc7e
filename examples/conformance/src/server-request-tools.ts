import { tool } from 'tmcp/utils';
import * as v from 'valibot';
import type { ConformanceServer } from './conformance-server.ts';
import { ENUMS_JSON_SCHEMA, legacyOptions, options, values } from './form-schemas.ts';
import { withJsonSchema } from './scenario-schema-adapter.ts';

/** Adds tools that send server requests during a call. */
export function addServerRequestTools(server: ConformanceServer): void {
	server.tool(
		{
			name: 'test_sampling',
			description: "Samples the client's model",
			schema: v.object({ prompt: v.string() }),
			replayable: true,
		},
		async ({ prompt }) => {
			const { content } = await server.message({
				messages: [{ role: 'user', content: { type: 'text', text: prompt } }],
				maxTokens: 100,
			});
			return tool.text(`LLM response: ${JSON.stringify(content)}`);
		},
	);

	server.tool(
		{
			name: 'test_elicitation',
			description: 'Elicits a name and an email address',
			schema: v.object({ message: v.string() }),
			replayable: true,
		},
		async ({ message }) => {
			const response = await server.elicitation(message, Person);
			return tool.text(`User response: ${JSON.stringify(response)}`);
		},
	);

	for (const [name, schema] of [
		['test_elicitation_sep1034_defaults', Defaults],
		['test_elicitation_sep1330_enums', Enums],
	] as const) {
		server.tool({ name, description: 'Elicits a form', replayable: true }, async () => {
			const { action, content } = await server.elicitation('Please fill in', schema);
			return tool.text(
				`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`,
			);
		});
	}
}

const Person = v.object({
	username: v.pipe(v.string(), v.description("User's response")),
	email: v.pipe(v.string(), v.description("User's email address")),
});

const Defaults = v.object({
	name: v.optional(v.string(), 'John Doe'),
	age: v.optional(v.pipe(v.number(), v.integer()), 30),
	score: v.optional(v.number(), 95.5),
	status: v.optional(v.picklist(['active', 'inactive', 'pending']), 'active'),
	verified: v.optional(v.boolean(), true),
});

const Enums = withJsonSchema(
	v.partial(
		v.object({
			untitledSingle: v.picklist(options),
			titledSingle: v.picklist(values),
			legacyEnum: v.picklist(legacyOptions),
			untitledMulti: v.array(v.picklist(options)),
			titledMulti: v.array(v.picklist(values)),
		}),
	),
	ENUMS_JSON_SCHEMA,
);
