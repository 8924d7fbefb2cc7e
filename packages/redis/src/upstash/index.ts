export { connectUpstash } from './rest-connection.ts';
export type { UpstashOptions } from './rest-connection.ts';
