import { tool } from 'tmcp/utils';
import * as v from 'valibot';
import type { ConformanceServer } from './conformance-server.ts';
import { shownAs } from './scenario-schema-adapter.ts';

/** Tools whose input schemas are what is looked at. */
export function addSchemaTools(server: ConformanceServer): void {
	server.tool(
		{
			name: 'json_schema_2020_12_tool',
			description: 'Tool with JSON Schema 2020-12 features',
			schema: Contact,
		},
		({ name = 'Nobody' }) => tool.text(`${name} can be reached`),
	);

	server.tool(
		{
			name: 'test_header_parameter',
			description: 'Takes an argument that clients repeat in a header',
			schema: InRegion,
		},
		({ region = 'none' }) => tool.text(`Region: ${region}`),
	);
}

const InRegion = shownAs(v.object({ region: v.optional(v.string()) }), {
	type: 'object',
	properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
});

const Contact = shownAs(
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
	{
		$schema: 'https://json-schema.org/draft/2020-12/schema',
		type: 'object',
		$defs: {
			address: {
				$anchor: 'addressDef',
				type: 'object',
				properties: { street: { type: 'string' }, city: { type: 'string' } },
			},
		},
		properties: {
			name: { type: 'string' },
			address: { $ref: '#/$defs/address' },
			contactMethod: { type: 'string', enum: ['phone', 'email'] },
			phone: { type: 'string' },
			email: { type: 'string' },
		},
		allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
		if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
		// Not a promise: a keyword of JSON Schema.
		// oxlint-disable-next-line unicorn/no-thenable
		then: { required: ['phone'] },
		else: { required: ['email'] },
		additionalProperties: false,
	},
);
