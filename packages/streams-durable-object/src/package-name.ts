/** The package's name in errors. */
export const PACKAGE = 'streams-durable-object';
