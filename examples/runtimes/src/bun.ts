// With REDIS_URL over TCP and with tasks, else over HTTP.
const { mcp } = process.env['REDIS_URL'] ? await import('./redis.ts') : await import('./mcp.ts');

// Bun serves the default export. It closes connections that are silent for ten seconds by default; an
// open stream sends a keep-alive every fifteen.
export default { fetch: mcp.fetch, idleTimeout: 30 };
