/**
 * The maximum size of the texts and blobs in a row of a Durable Object's SQLite database. The platform
 * allows 2 MB for a row: https://developers.cloudflare.com/durable-objects/platform/limits/
 */
export const MAX_ROW_BYTES = 1_900_000;
