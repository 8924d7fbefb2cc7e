// What an object is made of that takes streams beside other work. For packages of this family: it changes with them.
export { listenerKey } from './wire/principal-key.ts';
export { FINAL_CODES, MAX_SESSION_BYTES, purposeOf } from './wire/socket-purpose.ts';
export type { SocketPurpose } from './wire/socket-purpose.ts';
