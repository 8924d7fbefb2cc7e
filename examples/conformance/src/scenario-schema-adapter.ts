import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import type { GenericSchema } from 'valibot';

type JsonSchema = Awaited<ReturnType<ValibotJsonSchemaAdapter['toJsonSchema']>>;

const overrides = new WeakMap<GenericSchema, JsonSchema>();

/**
 * Lists a schema as this JSON Schema. Scenarios look for keywords that valibot cannot express
 * (`$anchor`, `if`, `enumNames`, `x-mcp-header`).
 *
 * @param schema validates the arguments.
 */
export function withJsonSchema<Schema extends GenericSchema>(
	schema: Schema,
	jsonSchema: Record<string, unknown>,
): Schema {
	overrides.set(schema, jsonSchema);
	return schema;
}

/** Converts valibot schemas, except those that `withJsonSchema` has overridden. */
export class ScenarioSchemaAdapter extends ValibotJsonSchemaAdapter {
	override async toJsonSchema(schema: GenericSchema): Promise<JsonSchema> {
		return overrides.get(schema) ?? super.toJsonSchema(schema);
	}
}
