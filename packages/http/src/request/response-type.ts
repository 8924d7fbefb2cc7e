/** The format of an answer: one JSON object, or a stream of events. */
export type ResponseType = 'json' | 'sse';
