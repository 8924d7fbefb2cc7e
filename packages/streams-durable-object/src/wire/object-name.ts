/** The name of the root object. The name of another shard is this one, a slash and its label. */
export const ROOT_OBJECT_NAME = 'TMCP_DURABLE_OBJECT';
