/** The bounds of a log, as scripts take them. */
export interface ScriptBounds {
	readonly ageMs: number;
	readonly messages: number;
	readonly bytes: number;
}
