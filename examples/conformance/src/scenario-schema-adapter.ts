import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import type { GenericSchema } from 'valibot';

type JsonSchema = Awaited<ReturnType<ValibotJsonSchemaAdapter['toJsonSchema']>>;

const written = new WeakMap<GenericSchema, JsonSchema>();

/**
 * A schema that is shown as this JSON Schema: scenarios look for keywords that valibot has no word
 * for (`$anchor`, `if`, `enumNames`, `x-mcp-header`).
 *
 * @param schema what arguments are checked with.
 */
export function shownAs<Schema extends GenericSchema>(
	schema: Schema,
	jsonSchema: Record<string, unknown>,
): Schema {
	written.set(schema, jsonSchema);
	return schema;
}

/** valibot's schemas, but where a JSON Schema was written by hand that one. */
export class ScenarioSchemaAdapter extends ValibotJsonSchemaAdapter {
	override async toJsonSchema(schema: GenericSchema): Promise<JsonSchema> {
		return written.get(schema) ?? super.toJsonSchema(schema);
	}
}
