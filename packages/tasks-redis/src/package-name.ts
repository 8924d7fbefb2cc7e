/** The name of this package in errors. */
export const PACKAGE = 'tasks-redis';
