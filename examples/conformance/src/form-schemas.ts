/** The form of `test_elicitation`. */
export const PERSON_JSON_SCHEMA = {
	type: 'object',
	properties: {
		username: { type: 'string', description: "User's response" },
		email: { type: 'string', description: "User's email address" },
	},
	required: ['username', 'email'],
};

/** The form of `test_elicitation_sep1034_defaults`. */
export const DEFAULTS_JSON_SCHEMA = {
	type: 'object',
	properties: {
		name: { type: 'string', default: 'John Doe' },
		age: { type: 'integer', default: 30 },
		score: { type: 'number', default: 95.5 },
		status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
		verified: { type: 'boolean', default: true },
	},
	required: [],
};

/** Returns values with titles, in the form of `oneOf` and `anyOf`. */
const titled = (ordinals: readonly string[], noun: string): { const: string; title: string }[] =>
	ordinals.map((ordinal, index) => ({ const: `value${index + 1}`, title: `${ordinal} ${noun}` }));

const ordinals = ['First', 'Second', 'Third'] as const;
export const options = ['option1', 'option2', 'option3'] as const;
export const legacyOptions = ['opt1', 'opt2', 'opt3'] as const;
export const values = ['value1', 'value2', 'value3'] as const;

/** The form of `test_elicitation_sep1330_enums`. */
export const ENUMS_JSON_SCHEMA = {
	type: 'object',
	properties: {
		untitledSingle: { type: 'string', enum: options },
		titledSingle: { type: 'string', oneOf: titled(ordinals, 'Option') },
		legacyEnum: {
			type: 'string',
			enum: legacyOptions,
			enumNames: ['Option One', 'Option Two', 'Option Three'],
		},
		untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
		titledMulti: { type: 'array', items: { anyOf: titled(ordinals, 'Choice') } },
	},
	required: [],
};
