/** Returns the value of a variable in a file such as `.dev.vars`. */
export function readVariable(text: string, name: string): string | undefined {
	const [, value] = lineOf(name).exec(text) ?? [];
	return value?.trim().replace(/^(['"])([^]*)\1$/, '$2');
}

/** Returns the text of the file with another value of the variable. Other lines stay as they are. */
export function withVariable(text: string, name: string, value: string): string {
	const line = `${name}=${quoted(value)}`;
	if (lineOf(name).test(text)) return text.replace(lineOf(name), () => line);
	const separator = text === '' || text.endsWith('\n') ? '' : '\n';
	return `${text}${separator}${line}\n`;
}

/** Quotes a value so that Node.js, Deno, Bun and wrangler read it alike. */
function quoted(value: string): string {
	if (value.includes('"')) return `'${value}'`;
	return /\s/.test(value) ? `"${value}"` : value;
}

function lineOf(name: string): RegExp {
	return new RegExp(String.raw`^[ \t]*(?:export[ \t]+)?${name}[ \t]*=(.*)$`, 'm');
}
