import { parse } from 'acorn';
import type { AnyNode, CallExpression, Expression, NewExpression, ObjectExpression } from 'acorn';

/** A name that a package exports. */
export interface Imported {
	readonly packageName: string;
	/** The path of the module, such as `@tmcp-sessions/http/server`. */
	readonly specifier: string;
	/** `*` for the module itself. */
	readonly name: string;
}

/** A call or a construction. */
export type Call = CallExpression | NewExpression;

/** The syntax tree of the code that esbuild printed. */
export interface Syntax {
	readonly nodes: readonly AnyNode[];
	readonly parents: ReadonlyMap<AnyNode, AnyNode>;
	/** By the name in the code. */
	readonly imports: ReadonlyMap<string, Imported>;
	/** What the names of the module are set to: functions, classes and the first values of variables. */
	readonly declarations: ReadonlyMap<string, AnyNode | undefined>;
	/** By exported name, the local one, or the package it comes from. */
	readonly exports: ReadonlyMap<string, string | Imported>;
}

/** Parses the code of a module. */
export function parseSyntax(code: string): Syntax {
	const program: AnyNode = parse(code, {
		ecmaVersion: 'latest',
		sourceType: 'module',
		locations: true,
	});
	const parents = new Map<AnyNode, AnyNode>();
	const nodes: AnyNode[] = [program];
	for (const node of nodes) {
		for (const child of childrenOf(node)) {
			parents.set(child, node);
			nodes.push(child);
		}
	}
	const { declarations, exports, imports } = namesOf(program.body);
	return { nodes, parents, imports, declarations, exports };
}

function childrenOf(node: AnyNode): AnyNode[] {
	return Object.values(node).flat().filter(isNode);
}

function isNode(value: unknown): value is AnyNode {
	return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

function namesOf(body: readonly AnyNode[]): Pick<Syntax, 'declarations' | 'exports' | 'imports'> {
	const imports = new Map<string, Imported>();
	const declarations = new Map<string, AnyNode | undefined>();
	const exports = new Map<string, string | Imported>();
	for (const node of body) {
		if (node.type === 'ImportDeclaration') {
			for (const specifier of node.specifiers) {
				const name =
					specifier.type === 'ImportSpecifier'
						? nameOf(specifier.imported)
						: specifier.type === 'ImportNamespaceSpecifier'
							? '*'
							: 'default';
				imports.set(specifier.local.name, importedFrom(String(node.source.value), name));
			}
		} else if (node.type === 'VariableDeclaration') {
			for (const { id, init } of node.declarations) {
				if (id.type === 'Identifier') declarations.set(id.name, init ?? undefined);
			}
		} else if (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') {
			if (node.id) declarations.set(node.id.name, node);
		} else if (node.type === 'ExportNamedDeclaration') {
			for (const { exported, local } of node.specifiers) {
				const source = node.source && importedFrom(String(node.source.value), nameOf(local));
				exports.set(nameOf(exported), source ?? imports.get(nameOf(local)) ?? nameOf(local));
			}
		}
	}
	return { declarations, exports, imports };
}

function importedFrom(specifier: string, name: string): Imported {
	return { packageName: packageOf(specifier), specifier, name };
}

/** Returns the package of a module's path. */
export function packageOf(specifier: string): string {
	const [scope = '', name = ''] = specifier.split('/');
	return scope.startsWith('@') ? `${scope}/${name}` : scope;
}

function nameOf(node: AnyNode): string {
	if (node.type === 'Identifier') return node.name;
	return node.type === 'Literal' ? String(node.value) : '';
}

/** Returns what an expression is set to if it is a name of the module, and else the expression. */
export function resolved(syntax: Syntax, node: AnyNode): AnyNode {
	const value = node.type === 'Identifier' ? syntax.declarations.get(node.name) : undefined;
	return value ? resolved(syntax, value) : node;
}

/** Returns the export of a package that an expression names. */
export function importedBy({ imports }: Syntax, node: AnyNode): Imported | undefined {
	if (node.type === 'Identifier') return imports.get(node.name);
	if (node.type !== 'MemberExpression' || node.object.type !== 'Identifier') return undefined;
	const object = imports.get(node.object.name);
	return object?.name === '*' ? { ...object, name: nameOf(node.property) } : undefined;
}

/** Whether a node is a call or a construction. */
export function isCall(node: AnyNode): node is Call {
	return node.type === 'CallExpression' || node.type === 'NewExpression';
}

/** Whether a node is a function. */
export function isFunction(node: AnyNode): boolean {
	return /^(?:Arrow)?Function(?:Declaration|Expression)$/.test(node.type);
}

/** Returns the fields of an object by name, without those of spread objects. */
export function fieldsOf(node: ObjectExpression): ReadonlyMap<string, Expression> {
	return new Map(
		node.properties.flatMap((property) =>
			property.type === 'Property' && !property.computed
				? [[nameOf(property.key), property.value] as const]
				: [],
		),
	);
}

/** Whether an object takes fields from another one. */
export function hasSpread({ properties }: ObjectExpression): boolean {
	return properties.some(({ type }) => type === 'SpreadElement');
}

/** Returns the name of a field or method, or `undefined` for another node. */
export function fieldName(node: AnyNode | undefined): string | undefined {
	const isField =
		node?.type === 'Property' ||
		node?.type === 'MethodDefinition' ||
		node?.type === 'PropertyDefinition';
	return isField && !node.computed ? nameOf(node.key) : undefined;
}

/** Returns the name of the method that a call calls. */
export function methodOf(node: AnyNode): string | undefined {
	if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return undefined;
	return nameOf(node.callee.property);
}

/** Returns a text that is written in the code, or `undefined`. */
export function literalText(node: AnyNode | null | undefined): string | undefined {
	if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
	const isText = node?.type === 'TemplateLiteral' && node.expressions.length === 0;
	return isText ? (node.quasis[0]?.value.cooked ?? undefined) : undefined;
}
