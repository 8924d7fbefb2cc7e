import { tool } from 'tmcp/utils';
import * as v from 'valibot';
import type { ConformanceServer } from './conformance-server.ts';
import { CONTACT_JSON_SCHEMA } from './contact-schema.ts';
import { withJsonSchema } from './scenario-schema-adapter.ts';

/** Adds tools whose input schemas the scenarios inspect. */
export function addSchemaTools(server: ConformanceServer): void {
	server.tool(
		{
			name: 'json_schema_2020_12_tool',
			description: 'Tool with JSON Schema 2020-12 features',
			schema: Contact,
		},
		({ name = 'No name' }) => tool.text(`Contact: ${name}`),
	);

	server.tool(
		{
			name: 'test_header_parameter',
			description: 'Has an argument that clients repeat in a header',
			schema: InRegion,
		},
		({ region = 'none' }) => tool.text(`Region: ${region}`),
	);
}

const InRegion = withJsonSchema(v.object({ region: v.optional(v.string()) }), {
	type: 'object',
	properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
});

const Contact = withJsonSchema(
	v.pipe(
		v.strictObject({
			name: v.optional(v.string()),
			address: v.optional(
				v.looseObject({ street: v.optional(v.string()), city: v.optional(v.string()) }),
			),
			contactMethod: v.optional(v.picklist(['phone', 'email'])),
			phone: v.optional(v.string()),
			email: v.optional(v.string()),
		}),
		v.check(
			({ contactMethod, phone, email }) =>
				(contactMethod === 'phone' ? phone : email) !== undefined,
			'the contact method is missing',
		),
	),
	CONTACT_JSON_SCHEMA,
);
