import type { Choices, Library } from './choices.ts';

/** How the entry of a server creates its handler. */
interface HandlerCode {
	readonly import: string;
	/** The beginning of the expression, up to the options. */
	readonly create: string;
}

/** By server library. */
export const HANDLERS: Readonly<Record<Library, HandlerCode>> = {
	tmcp: {
		import: "import { createMcpHandler } from '@tmcp-sessions/http';",
		create: 'createMcpHandler(createServer(), {',
	},
	sdk: {
		import: "import { createSdkHandler } from '@tmcp-sessions/sdk';",
		create: 'createSdkHandler(createServer, {',
	},
};

/** Returns the items if a condition holds, and else none. */
export function itemsIf(condition: boolean, ...items: readonly string[]): readonly string[] {
	return condition ? items : [];
}

/** Whether the handler of a server has the option `principal`. */
export function hasPrincipal({ authentication }: Choices): boolean {
	return authentication !== 'none';
}
