import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { CliError } from '../command/cli-error.ts';
import { createCommand, numberOption, repeatedOption } from '../command/command.ts';
import type { Command } from '../command/command.ts';
import { EXIT } from '../command/exit-codes.ts';
import type { ExitCode } from '../command/exit-codes.ts';
import { printLine } from '../command/terminal.ts';
import type { Terminal } from '../command/terminal.ts';
import { canonicalTools } from './tools-hash.ts';
import { ProbeError } from './probe-error.ts';
import { readHeaders, readToolCall, readTools } from './read-options.ts';
import { junitFailure, junitReport } from './report/junit-report.ts';
import { printResult, summaryOf } from './report/text-report.ts';
import { probe } from './run-probe.ts';
import type { ProbeOptions, ProbeReport } from './run-probe.ts';
import type { Tool } from './target.ts';
import { waitForNext } from './watch.ts';

/** What the command does with a report. */
interface Reporting {
	readonly isJson: boolean;
	readonly isWatch: boolean;
	readonly junitPath: string | undefined;
	readonly saveToolsPath: string | undefined;
}

/** `tmcp-sessions probe`. */
export const probeCommand: Command = createCommand({
	name: 'probe',
	description: 'Does what MCP clients do with a server, and reports what they experience',
	args: {
		url: {
			type: 'positional',
			required: true,
			description: 'The address of the server, such as https://…/mcp',
		},
		header: {
			type: 'string',
			valueHint: 'Name: value',
			description: 'A header of every request; may be repeated',
		},
		'bearer-env': {
			type: 'string',
			valueHint: 'variable',
			description: 'Send the bearer token of this environment variable',
		},
		'expect-hash': {
			type: 'string',
			valueHint: 'hash',
			description: 'The hash of the tools, as an earlier probe printed it',
		},
		'expect-tools': {
			type: 'string',
			valueHint: 'file',
			description: 'The tools of an earlier probe; differences are shown',
		},
		'save-tools': { type: 'string', valueHint: 'file', description: 'Write the tools to a file' },
		origin: {
			type: 'string',
			valueHint: 'origin',
			description: 'The origin of a web page that must be able to use the server',
		},
		'change-tool': {
			type: 'string',
			valueHint: 'call',
			description: 'A tool that announces a change of a list: its name, or name={"argument": …}',
		},
		'task-tool': {
			type: 'string',
			valueHint: 'call',
			description: 'A tool that runs as a task: its name, or name={"argument": …}',
		},
		samples: {
			type: 'string',
			default: '20',
			valueHint: 'number',
			description: 'The requests that latency is measured with',
		},
		'max-p50': { type: 'string', valueHint: 'ms', description: 'Fail above this median latency' },
		'max-p95': {
			type: 'string',
			valueHint: 'ms',
			description:
				'Fail above this 95th percentile; default: warn above what is usual on the platform',
		},
		'max-p99': { type: 'string', valueHint: 'ms', description: 'Fail above this 99th percentile' },
		timeout: {
			type: 'string',
			default: '10',
			valueHint: 'seconds',
			description: 'How long a response may take',
		},
		'stream-seconds': {
			type: 'string',
			default: '3',
			valueHint: 'seconds',
			description: 'How long streams have to stay open',
		},
		watch: {
			type: 'string',
			valueHint: 'seconds',
			description: 'Probe again at this interval until Ctrl-C',
		},
		junit: { type: 'string', valueHint: 'file', description: 'Write a report in the JUnit format' },
		json: { type: 'boolean', description: 'Print JSON; with --watch, one line for each probe' },
	},
	async run(args, terminal, rawArgs) {
		const reporting: Reporting = {
			isJson: args.json === true,
			isWatch: args.watch !== undefined,
			junitPath: args.junit,
			saveToolsPath: args['save-tools'],
		};
		const intervalSeconds = numberOption('watch', args.watch, { min: 1, max: 86_400 });
		const options = optionsOf(args, terminal, rawArgs);
		for (;;) {
			const exitCode = await probeOnce(args.url, options, reporting, terminal);
			if (intervalSeconds === undefined) return exitCode;
			if (!(await waitForNext(intervalSeconds * 1_000, terminal.signal))) return exitCode;
		}
	},
});

/** The options as citty returns them. */
type Values = Readonly<
	Record<
		| 'bearer-env'
		| 'expect-hash'
		| 'expect-tools'
		| 'origin'
		| 'change-tool'
		| 'task-tool'
		| 'samples'
		| 'max-p50'
		| 'max-p95'
		| 'max-p99'
		| 'timeout'
		| 'stream-seconds',
		string | undefined
	>
>;

const MAX_MS = { min: 0, max: 600_000 };

function optionsOf(args: Values, terminal: Terminal, rawArgs: readonly string[]): ProbeOptions {
	const hash = args['expect-hash'];
	if (hash !== undefined && !/^sha256:[\da-f]{64}$/.test(hash)) {
		throw new CliError('--expect-hash must be sha256: and 64 digits, as a probe prints it');
	}
	const file = args['expect-tools'];
	const timeout = numberOption('timeout', args.timeout, { min: 0.1, max: 600 }) ?? 10;
	const streams =
		numberOption('stream-seconds', args['stream-seconds'], { min: 0, max: 3_600 }) ?? 3;
	return {
		headers: readHeaders(repeatedOption(rawArgs, 'header'), args['bearer-env'], terminal),
		toolsHash: hash,
		tools: file === undefined ? undefined : readTools(file, terminal),
		origin: args.origin,
		changeTool: readToolCall('change-tool', args['change-tool']),
		taskTool: readToolCall('task-tool', args['task-tool']),
		latency: {
			p50: numberOption('max-p50', args['max-p50'], MAX_MS),
			p95: numberOption('max-p95', args['max-p95'], MAX_MS),
			p99: numberOption('max-p99', args['max-p99'], MAX_MS),
		},
		latencySamples: numberOption('samples', args.samples, { min: 0, max: 10_000 }) ?? 20,
		timeoutMs: timeout * 1_000,
		streamMs: streams * 1_000,
		signal: terminal.signal,
	};
}

async function probeOnce(
	url: string,
	options: ProbeOptions,
	reporting: Reporting,
	terminal: Terminal,
): Promise<ExitCode> {
	const startedAt = new Date().toISOString();
	const isLive = !reporting.isJson && !reporting.isWatch;
	try {
		const report = await probe(url, {
			...options,
			...(isLive && { onResult: (result) => printResult(terminal, result) }),
			onTools: (tools) => saveTools(tools, reporting, terminal),
		});
		writeJunit(junitReport(report), reporting, terminal);
		printReport(report, reporting, terminal);
		return report.status === 'failed' ? EXIT.failed : EXIT.passed;
	} catch (error) {
		if (!(error instanceof ProbeError)) throw error;
		if (error.code === 'interrupted') return EXIT.interrupted;
		writeJunit(junitFailure(url, `${error.message}: ${error.fix}`, startedAt), reporting, terminal);
		return printFailure(error, startedAt, reporting, terminal);
	}
}

function printReport(
	report: ProbeReport,
	{ isJson, isWatch }: Reporting,
	terminal: Terminal,
): void {
	if (isJson) {
		terminal.stdout.write(`${JSON.stringify(report, undefined, isWatch ? undefined : 2)}\n`);
		return;
	}
	if (!isWatch) {
		printLine(terminal);
		printLine(terminal, summaryOf(report));
		return;
	}
	printLine(terminal, `${report.startedAt} ${report.status}: ${summaryOf(report)}`);
	for (const result of report.results) {
		if (result.status === 'failed') printResult(terminal, result);
	}
}

function printFailure(
	{ code, fix, message }: ProbeError,
	startedAt: string,
	{ isJson, isWatch }: Reporting,
	terminal: Terminal,
): ExitCode {
	if (isJson) {
		const failure = { startedAt, status: 'unreachable', code, error: message, fix };
		terminal.stdout.write(`${JSON.stringify(failure, undefined, isWatch ? undefined : 2)}\n`);
	} else {
		terminal.stderr.write(`${isWatch ? `${startedAt} ` : ''}Error: ${message}\n    fix: ${fix}\n`);
	}
	return code === 'invalid-url' ? EXIT.usage : EXIT.unreachable;
}

function writeJunit(xml: string, { junitPath }: Reporting, { folder }: Terminal): void {
	if (junitPath !== undefined) writeFileSync(resolve(folder, junitPath), xml);
}

function saveTools(
	tools: readonly Tool[],
	{ saveToolsPath }: Reporting,
	{ folder }: Terminal,
): void {
	if (saveToolsPath === undefined) return;
	const text = JSON.stringify(canonicalTools(tools), undefined, 2);
	writeFileSync(resolve(folder, saveToolsPath), `${text}\n`);
}
