/** The folder name of this package, for errors. */
export const PACKAGE = 'tasks-workflows';
