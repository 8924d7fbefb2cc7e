// What an object is made of that takes streams beside other work. For packages of this family: it changes with them.
export { FINAL_CODES, purposeOf } from '../socket-address.ts';
export type { SocketPurpose } from '../socket-address.ts';
