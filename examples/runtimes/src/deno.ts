import { mcp } from './mcp.ts';

// `deno serve` calls its fetch.
export default mcp;
