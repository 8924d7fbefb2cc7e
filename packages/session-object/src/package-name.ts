/** The name of this package in error messages. */
export const PACKAGE = 'session-object';
