// What an object is made of that takes streams beside other work. For packages of this family: it changes with them.
export { listenerKey } from '../listener-key.ts';
export { FINAL_CODES, MAX_SESSION_BYTES, purposeOf } from '../socket-address.ts';
export type { SocketPurpose } from '../socket-address.ts';
