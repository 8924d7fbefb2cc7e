/** The name of this package in errors. */
export const PACKAGE = 'streams-redis';
