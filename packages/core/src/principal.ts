/** The owner of a session, which stays the same when a token is refreshed. */
export interface Principal {
	/** The user, such as the token's `sub`. */
	readonly subject: string;
	/** The client that acts for them, such as the token's `client_id`. */
	readonly client?: string | undefined;
}
