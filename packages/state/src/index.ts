export type { HandleOptions, OpenedState, SessionState, State } from './types.ts';
export { sessionState } from './session-state.ts';
export type { StateOptions } from './session-state.ts';
export { HandleError, StateError } from './errors.ts';
