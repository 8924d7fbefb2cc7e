import { mcp } from './mcp.ts';

// `deno serve` calls the `fetch` of the default export.
export default mcp;
