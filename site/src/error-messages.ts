import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { repository } from './paths.ts';

/** A message that a package throws, reports or sends. Values that vary are `…`. */
export interface ErrorMessage {
	readonly text: string;
	/** Folder of the package. */
	readonly folder: string;
	/** Base class of the error. A client gets an `HttpRejection`, and the others are thrown or printed. */
	readonly base: string;
	/** The code of the error, or the status of an `HttpRejection`. */
	readonly code: string;
	/** File in the repository. */
	readonly file: string;
}

/** The base classes: which argument is the message, which the code or the status. */
const bases: Readonly<Record<string, { readonly message: number; readonly code?: number }>> = {
	CliError: { message: 0 },
	HttpRejection: { message: 2, code: 0 },
	ProbeError: { message: 1, code: 0 },
	TmcpSessionsError: { message: 2, code: 0 },
	'console.warn': { message: 0 },
	warnOnce: { message: 0 },
};

/** Stands for a value that varies. */
const VALUE = '…';

type Values = ReadonlyMap<string, string>;

/** A class or function that creates errors: its parameters, and the call that it passes them to. */
interface Factory {
	readonly parameters: readonly ts.ParameterDeclaration[];
	readonly callee: string;
	readonly args: readonly ts.Expression[];
}

function* nodesOf(node: ts.Node): Generator<ts.Node> {
	yield node;
	const children: ts.Node[] = [];
	ts.forEachChild(node, (child) => {
		children.push(child);
	});
	for (const child of children) yield* nodesOf(child);
}

/** Returns the text of an expression, with `…` for what is known only when it runs. */
function render(node: ts.Expression, values: Values, depth = 0): string {
	if (ts.isStringLiteralLike(node) || ts.isNumericLiteral(node)) return node.text;
	if (ts.isParenthesizedExpression(node)) return render(node.expression, values, depth);
	if (ts.isTemplateExpression(node)) {
		const parts = node.templateSpans.map(
			({ expression, literal }) => render(expression, values, depth) + literal.text,
		);
		return node.head.text + parts.join('');
	}
	if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken)
		return render(node.left, values, depth) + render(node.right, values, depth);
	if (ts.isIdentifier(node) && depth < 4) {
		const given = values.get(node.text);
		if (given !== undefined) return given;
		const constant = constantOf(node);
		if (constant) return render(constant, new Map(), depth + 1);
	}
	return VALUE;
}

const variables = new WeakMap<ts.SourceFile, ts.VariableDeclaration[]>();

/** Returns the variables of a file: they are looked up for each identifier. */
function variablesOf(source: ts.SourceFile): ts.VariableDeclaration[] {
	const known = variables.get(source) ?? [...nodesOf(source)].filter(ts.isVariableDeclaration);
	variables.set(source, known);
	return known;
}

/** Returns the value of the constant that an identifier names in its file. */
function constantOf(identifier: ts.Identifier): ts.Expression | undefined {
	const found = variablesOf(identifier.getSourceFile()).filter(
		({ name }) => name.getText() === identifier.text,
	);
	// Several functions may have one of this name.
	const inFunction = found.filter((node) => enclosing(node) === enclosing(identifier));
	const [only] = inFunction.length > 0 ? inFunction : found.filter((node) => !enclosing(node));
	return only?.initializer;
}

function enclosing(node: ts.Node): ts.Node | undefined {
	return ts.findAncestor(node.parent, ts.isFunctionLike);
}

/** Returns the name of what a call calls: of a class, a function, or `console.warn`. */
function calleeOf(node: ts.Node): string | undefined {
	if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return undefined;
	const name = node.expression.getText();
	return ts.isIdentifier(node.expression) || name in bases ? name : undefined;
}

/** Returns the class as a factory, if it passes on to the constructor of another error. */
function classFactory(node: ts.ClassDeclaration): Factory | undefined {
	const [base] = node.heritageClauses?.[0]?.types ?? [];
	const constructor = node.members.find(ts.isConstructorDeclaration);
	const call =
		constructor &&
		[...nodesOf(constructor)].find(
			(inner): inner is ts.CallExpression =>
				ts.isCallExpression(inner) && inner.expression.kind === ts.SyntaxKind.SuperKeyword,
		);
	if (!base || !call) return undefined;
	const { arguments: args } = call;
	const parameters = constructor.parameters;
	return { parameters, callee: base.expression.getText(), args };
}

/** Returns the function as a factory, if it returns a new error. */
function functionFactory(node: ts.FunctionDeclaration): Factory | undefined {
	if (!/(?:Error|HttpRejection)(?: \| undefined)?$/.test(node.type?.getText() ?? ''))
		return undefined;
	for (const inner of nodesOf(node)) {
		if (!ts.isReturnStatement(inner) || !inner.expression) continue;
		const callee = calleeOf(inner.expression);
		if (callee === undefined || !('arguments' in inner.expression)) continue;
		// Safe because a node with a callee is a call or a `new`.
		const { arguments: args } = inner.expression as ts.CallExpression;
		return { parameters: node.parameters, callee, args };
	}
	return undefined;
}

/** The factories of all packages by name. */
function factoriesOf(sources: readonly ts.SourceFile[]): Map<string, Factory> {
	const factories = new Map<string, Factory>();
	for (const source of sources) {
		for (const node of nodesOf(source)) {
			const isClass = ts.isClassDeclaration(node);
			if (!isClass && !ts.isFunctionDeclaration(node)) continue;
			const factory = isClass ? classFactory(node) : functionFactory(node);
			const name = node.name?.text;
			if (factory && name !== undefined && !(name in bases)) factories.set(name, factory);
		}
	}
	return factories;
}

/** Returns the message and the code that a call creates, or `undefined` if it creates no error. */
function messageOf(
	callee: string,
	args: readonly ts.Expression[],
	values: Values,
	factories: ReadonlyMap<string, Factory>,
): Pick<ErrorMessage, 'text' | 'base' | 'code'> | undefined {
	const rendered = args.map((arg) => render(arg, values));
	const base = bases[callee];
	if (base) {
		const text = rendered[base.message] ?? VALUE;
		const code = base.code === undefined ? '' : (rendered[base.code] ?? '');
		return { text, base: callee, code };
	}
	const factory = factories.get(callee);
	if (!factory || factory.callee === callee) return undefined;
	const given = new Map(
		factory.parameters.map(({ name, initializer }, index) => [
			name.getText(),
			rendered[index] ?? (initializer ? render(initializer, new Map()) : VALUE),
		]),
	);
	return messageOf(factory.callee, factory.args, given, factories);
}

/** Whether a text says something beyond the values that vary. */
const isMessage = (text: string): boolean =>
	/[A-Za-z]{2,} .*[A-Za-z]{2,}/.test(text.replaceAll(VALUE, ''));

/** The sources of the published packages, testkit's apart. */
const sources: readonly ts.SourceFile[] = globSync('packages/*/src/**/*.ts', {
	cwd: repository,
	exclude: (path) => path.endsWith('packages/testkit'),
})
	.toSorted()
	.map((path) => {
		const text = readFileSync(join(repository, path), 'utf8');
		return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
	});

/** Returns every text in the code, also the parts that messages are composed of. */
export function textsOfCode(): string[] {
	return sources.flatMap((source) =>
		[...nodesOf(source)]
			.filter(
				(node) =>
					ts.isStringLiteralLike(node) ||
					ts.isTemplateExpression(node) ||
					ts.isBinaryExpression(node),
			)
			.map((node) => render(node, new Map()))
			.filter(isMessage),
	);
}

/** Returns every message of the errors that the published packages create. */
export function errorMessages(): ErrorMessage[] {
	const factories = factoriesOf(sources);
	const messages = new Map<string, ErrorMessage>();
	for (const source of sources) {
		const [, folder = ''] = source.fileName.split('/');
		for (const node of nodesOf(source)) {
			const callee = calleeOf(node);
			if (callee === undefined) continue;
			// Safe because a node with a callee is a call or a `new`.
			const found = messageOf(
				callee,
				(node as ts.CallExpression).arguments ?? [],
				new Map(),
				factories,
			);
			if (!found || !isMessage(found.text)) continue;
			const text = found.text
				.replace(/^\[tmcp-sessions\/[a-z-]+\] /, '')
				.replaceAll(/\s+/g, ' ')
				.trim();
			const key = `${folder} ${found.code} ${text}`;
			if (!messages.has(key)) messages.set(key, { ...found, text, folder, file: source.fileName });
		}
	}
	return [...messages.values()];
}
