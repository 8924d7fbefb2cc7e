import { objectOf } from './connection/event-stream.ts';

/** By capability, the fields that promise messages which only a stream can carry. */
const PROMISES: Readonly<Record<string, readonly string[]>> = {
	tools: ['listChanged'],
	prompts: ['listChanged'],
	resources: ['listChanged', 'subscribe'],
};

/** Returns the capabilities that promise changes, such as `tools.listChanged`. */
export function promisesOf(capabilities: Readonly<Record<string, unknown>>): string[] {
	return Object.entries(PROMISES).flatMap(([name, fields]) => {
		const declared = objectOf(capabilities, name);
		return fields.filter((field) => declared[field] === true).map((field) => `${name}.${field}`);
	});
}
