/** A schema with the keywords that a scenario looks for. Validated by each server's own library. */
export const CONTACT_JSON_SCHEMA = {
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
	// Safe because `then` is a JSON Schema keyword; the object is never awaited.
	// oxlint-disable-next-line unicorn/no-thenable
	then: { required: ['phone'] },
	else: { required: ['email'] },
	additionalProperties: false,
};
