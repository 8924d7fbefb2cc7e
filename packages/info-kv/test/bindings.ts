import type { KVNamespace } from '@cloudflare/workers-types';
import { env } from 'cloudflare:workers';

/** The namespace of wrangler.jsonc, stored by miniflare. */
// Safe because wrangler.jsonc binds a KV namespace to this name.
export const namespace = (env as unknown as { TMCP_SESSION_INFO: KVNamespace }).TMCP_SESSION_INFO;
