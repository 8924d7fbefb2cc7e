import type { AnyNode } from 'acorn';

import { optionsOfObject, handlersOf } from '../handler-options.ts';
import type { Handler } from '../handler-options.ts';
import type { Problem } from '../problem.ts';
import type { Project } from '../project.ts';
import type { Entry } from '../read-entry.ts';
import { fieldsOf, isFunction, literalText, methodOf } from '../syntax.ts';
import { functionAround, resultsOf, valuesOf } from '../values.ts';

/** Headers that hold what a client claims, or a secret. */
const UNVERIFIED = /^(?:authorization|cookie|x-api-key)$/i;
/** Headers that a client can set as it likes. Cloudflare removes those of Access from requests. */
const CLAIMED =
	/^(?:x-(?!forwarded-client-cert)[\w-]*(?:user|client|principal|tenant|account|owner)[\w-]*|from)$/i;
const TOKEN_FIELDS = new Set(['accessToken', 'access_token', 'token', 'refreshToken', 'jwt']);
/** Methods of texts and lists that keep what they are called on. */
const KEEPS = new Set(
	'at get match pop replace replaceAll slice split substr substring toLowerCase toString trim'.split(
		' ',
	),
);
const READS_BODY = new Set(['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text']);
/** The fields of a principal and of an identity. */
const OWNER_FIELDS = ['subject', 'client', 'workspaceId', 'clientId'];
/** Deeper values are not followed. */
const MAX_DEPTH = 10;

/** Checks the functions that identify callers. */
export function* checkCallers({ entry }: Project): Generator<Problem> {
	for (const handler of handlersOf(entry)) {
		const principal = handler.options.fields.get('principal');
		const identify = handler.options.fields.get('identify');
		if (principal) yield* checkPrincipal(entry, 'principal', principal);
		if (identify) yield* checkPrincipal(entry, 'identify', identify);
		yield* checkBodies(entry, handler);
		yield* checkOAuth(handler);
	}
}

function* checkOAuth({ construction, options }: Handler): Generator<Problem> {
	// The object of a session has its own principal, in the settings of its class.
	const { className, place } = construction;
	if (className === 'createSessionRouter' || !options.isComplete) return;
	if (!options.fields.has('oauth') || options.fields.has('principal')) return;
	yield {
		rule: 'principal',
		severity: 'error',
		...place,
		message: `${className} has oauth and no principal, which binds a session to its user`,
		fix: 'set principal to (request, auth) => auth && { subject: <the user>, client: auth.clientId }',
	};
}

function* checkPrincipal(entry: Entry, option: string, value: AnyNode): Generator<Problem> {
	const { syntax } = entry;
	for (const fn of valuesOf(syntax, value).filter(isFunction)) {
		const results = resultsOf(syntax, fn);
		const found = results.map((each) => ({ each, source: sourceOf(entry, each) }));
		const secret = found.find(({ source }) => source !== undefined);
		const problem = {
			rule: 'principal',
			severity: 'error',
			...entry.placeAt(secret?.each ?? fn),
		} as const;
		if (/^the (?:header|parameter) /.test(secret?.source ?? '') && secret) {
			const isSecret = UNVERIFIED.test((secret.source ?? '').slice('the header '.length));
			yield {
				...problem,
				message: `${option} returns ${secret.source} as it is: any value is accepted, because none is verified`,
				fix: isSecret
					? "verify the token, and return the user's id, or null: bearerPrincipal compares it with tokens"
					: 'verify a token, and return the user that it names, or null: every client can set this',
			};
		} else if (secret) {
			yield {
				...problem,
				message: `${option} returns ${secret.source}, a secret that changes when it is refreshed: its sessions are then unknown`,
				fix: 'return claims that stay the same: { subject: <the user>, client: auth.clientId }',
			};
		} else if (results.length > 0 && results.every((each) => isConstant(entry, each))) {
			yield {
				...problem,
				message: `${option} returns the same for every request: all callers share their sessions`,
				fix: `return the user of the request, or null; without users, leave ${option} out`,
			};
		}
	}
}

function isConstant({ syntax }: Entry, node: AnyNode): boolean {
	if (node.type !== 'ObjectExpression') return (literalText(node) ?? '') !== '';
	const values = [...optionsOfObject(syntax, node).fields.values()];
	return values.length > 0 && values.every((each) => literalText(each) !== undefined);
}

/** Returns the unverified value or the secret that an expression contains unchanged. */
function sourceOf(entry: Entry, node: AnyNode | null | undefined, depth = 0): string | undefined {
	if (!node || depth > MAX_DEPTH) return undefined;
	const first = (...nodes: readonly (AnyNode | null | undefined)[]): string | undefined => {
		for (const each of nodes) {
			const found = sourceOf(entry, each, depth + 1);
			if (found !== undefined) return found;
		}
		return undefined;
	};
	if (node.type === 'AwaitExpression') return first(node.argument);
	if (node.type === 'ChainExpression') return first(node.expression);
	if (node.type === 'LogicalExpression') {
		return node.operator === '&&' ? first(node.right) : first(node.left, node.right);
	}
	if (node.type === 'ConditionalExpression') return first(node.consequent, node.alternate);
	if (node.type === 'TemplateLiteral') return first(...node.expressions);
	if (node.type === 'BinaryExpression') {
		return node.operator === '+' ? first(node.left, node.right) : undefined;
	}
	if (node.type === 'ObjectExpression') {
		const fields = fieldsOf(node);
		return first(...OWNER_FIELDS.map((name) => fields.get(name)));
	}
	if (node.type === 'Identifier') {
		const values = valuesOf(entry.syntax, node).filter((each) => each !== node);
		return tokenParameter(entry, node) ?? first(...values);
	}
	if (node.type === 'MemberExpression') return memberSource(entry, node, first);
	return node.type === 'CallExpression' ? callSource(entry, node, first) : undefined;
}

type First = (...nodes: readonly (AnyNode | null | undefined)[]) => string | undefined;

function memberSource(
	{ syntax }: Entry,
	node: Extract<AnyNode, { type: 'MemberExpression' }>,
	first: First,
): string | undefined {
	const { computed, object, property } = node;
	const field = computed
		? literalText(property)
		: property.type === 'Identifier'
			? property.name
			: undefined;
	if (field === undefined) return first(object);
	if (TOKEN_FIELDS.has(field)) return `the ${field} of the caller`;
	const values = valuesOf(syntax, node).filter((each) => each !== node);
	return first(...values);
}

function callSource(
	{ syntax }: Entry,
	node: Extract<AnyNode, { type: 'CallExpression' }>,
	first: First,
): string | undefined {
	const method = methodOf(node);
	if (method === 'get' && node.callee.type === 'MemberExpression') {
		const header = literalText(node.arguments[0]);
		if (header !== undefined && /\b(?:searchParams|query)$/.test(nameOf(node.callee.object))) {
			return `the parameter ${header} of the URL`;
		}
		const isHeaders = /\bheaders$|\bheader$/.test(nameOf(node.callee.object));
		if (header !== undefined && (UNVERIFIED.test(header) || CLAIMED.test(header)) && isHeaders)
			return `the header ${header}`;
		return undefined;
	}
	if (method === 'exec') return first(node.arguments[0]);
	if (method !== undefined && KEEPS.has(method) && node.callee.type === 'MemberExpression') {
		return first(node.callee.object);
	}
	if (node.callee.type === 'Identifier' && node.callee.name === 'String') {
		return first(node.arguments[0]);
	}
	return first(...valuesOf(syntax, node).filter((each) => each !== node));
}

function nameOf(node: AnyNode): string {
	if (node.type === 'Identifier') return node.name;
	return node.type === 'MemberExpression' ? nameOf(node.property) : '';
}

/** Returns the token if a parameter takes it from the caller: `(request, { token }) => token`. */
function tokenParameter(
	{ syntax }: Entry,
	node: Extract<AnyNode, { type: 'Identifier' }>,
): string | undefined {
	const fn = functionAround(syntax.parents, node);
	if (!fn || !('params' in fn) || !TOKEN_FIELDS.has(node.name)) return undefined;
	const isTaken = fn.params.some(
		(each) =>
			each.type === 'ObjectPattern' &&
			each.properties.some(
				(property) =>
					property.type === 'Property' &&
					property.value.type === 'Identifier' &&
					property.value.name === node.name,
			),
	);
	return isTaken ? `the ${node.name} of the caller` : undefined;
}

/** Checks that callbacks leave the body of the request to the handler. */
function* checkBodies(entry: Entry, { options }: Handler): Generator<Problem> {
	const { syntax } = entry;
	const callbacks = ['principal', 'identify', 'clientOf', 'context'].flatMap(
		(name): (readonly [string, AnyNode])[] => {
			const value = options.fields.get(name);
			return value ? [[name, value]] : [];
		},
	);
	const oauth = options.fields.get('oauth');
	for (const object of oauth ? valuesOf(syntax, oauth) : []) {
		const verify = object.type === 'ObjectExpression' ? fieldsOf(object).get('verify') : undefined;
		if (verify) callbacks.push(['verify', verify]);
	}
	for (const [name, value] of callbacks) {
		for (const fn of valuesOf(syntax, value).filter(isFunction)) {
			const [request] = 'params' in fn ? fn.params : [];
			if (request?.type !== 'Identifier') continue;
			const read = syntax.nodes.find(
				(node) => fn.start <= node.start && node.end <= fn.end && readsBody(node, request.name),
			);
			if (!read) continue;
			yield {
				rule: 'principal',
				severity: 'error',
				...entry.placeAt(read),
				message: `${name} reads the body of the request, which the handler then cannot read: every message fails`,
				fix: `read that of a copy: ${request.name}.clone()`,
			};
		}
	}
}

/** Whether a node reads the body of a request, or takes its stream. */
export function readsBody(node: AnyNode, request: string): boolean {
	if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') {
		return (
			node.type === 'MemberExpression' &&
			node.object.type === 'Identifier' &&
			node.object.name === request &&
			nameOf(node.property) === 'body'
		);
	}
	const { object } = node.callee;
	return (
		READS_BODY.has(methodOf(node) ?? '') && object.type === 'Identifier' && object.name === request
	);
}
