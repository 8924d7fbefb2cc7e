/** The name of the package in error messages. */
export const PACKAGE = 'streams-durable-object';
