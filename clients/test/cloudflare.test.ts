import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { withDeployment } from '../src/cloudflare/deployment.ts';
import { formatSection } from '../src/cloudflare/verify.ts';
import { createWrangler } from '../src/cloudflare/wrangler.ts';
import type { Wrangler } from '../src/cloudflare/wrangler.ts';
import { ObservingProxy } from '../src/observing-proxy.ts';
import type { ClientResult } from '../src/results.ts';

const worker = fileURLToPath(new URL('../src/worker/', import.meta.url));

/** Answers as wrangler does with an account, and records the commands. */
function recordingWrangler(failing: readonly string[] = []): {
	wrangler: Wrangler;
	commands: string[];
	secretsFile: () => string;
} {
	const commands: string[] = [];
	let secretsFile = '';
	let name = '';
	const wrangler: Wrangler = async (...args) => {
		const value = (option: string): string => args[args.indexOf(option) + 1] ?? '';
		if (args[0] === 'deploy') {
			name = value('--name');
			secretsFile = value('--secrets-file');
			expect(existsSync(value('--config'))).toBe(true);
			expect(statSync(secretsFile).mode & 0o077).toBe(0);
			expect(readFileSync(secretsFile, 'utf8')).toMatch(/^\{"TMCP_SESSION_KEYS":"[\w+/=]{44}"\}$/);
		}
		const command = args
			.filter((arg) => !arg.startsWith('/'))
			.join(' ')
			.replaceAll(name, 'NAME');
		commands.push(command);
		if (failing.some((start) => command.startsWith(start))) throw new Error('the API is down');
		if (args[0] === 'deploy') return `Deployed\n  https://${name}.account.workers.dev\nVersion: 1`;
		if (args.includes('list')) {
			return JSON.stringify([
				{ id: 'of-another', title: 'production-tmcp-session-info' },
				{ id: 'its-own', title: `${name}-tmcp-session-info` },
			]);
		}
		return '';
	};
	return { wrangler, commands, secretsFile: () => secretsFile };
}

const deploy = 'deploy --config --name NAME --secrets-file';
const deletion = [
	'delete NAME --force',
	'kv namespace list',
	'kv namespace delete --namespace-id its-own --skip-confirmation',
];
const options = { print: () => undefined, signal: new AbortController().signal };

describe('a deployment', () => {
	it('is deleted with its namespace and leaves no file', async () => {
		const { wrangler, commands, secretsFile } = recordingWrangler();
		const { result, isDeleted } = await withDeployment(
			wrangler,
			async ({ url, redeploy }) => {
				await redeploy();
				return url.host;
			},
			options,
		);
		expect(isDeleted).toBe(true);
		expect(result).toMatch(/^tmcp-verify-[0-9a-f]{10}\.account\.workers\.dev$/);
		expect(commands).toEqual([deploy, deploy, ...deletion]);
		expect(existsSync(secretsFile())).toBe(false);
		expect(globSync(`${worker}wrangler.tmcp-verify-*`)).toEqual([]);
	});

	it('is deleted if a step fails', async () => {
		const { wrangler, commands } = recordingWrangler();
		const failing = withDeployment(
			wrangler,
			() => Promise.reject(new Error('a client failed')),
			options,
		);
		await expect(failing).rejects.toThrow('a client failed');
		expect(commands).toEqual([deploy, ...deletion]);
	});

	it('is deleted if `wrangler deploy` fails, which may have created a part of it', async () => {
		const { wrangler, commands } = recordingWrangler(['deploy']);
		await expect(withDeployment(wrangler, async () => undefined, options)).rejects.toThrow(
			'the API is down',
		);
		expect(commands).toEqual([deploy, ...deletion]);
		expect(globSync(`${worker}wrangler.tmcp-verify-*`)).toEqual([]);
	});

	it('is deleted if it is interrupted, after the deployment that is under way', async () => {
		const { wrangler, commands } = recordingWrangler();
		const interrupted = new AbortController();
		const slowly: Wrangler = async (...args) => {
			if (args[0] === 'deploy' && commands.length > 0) {
				await new Promise((resolve) => setTimeout(resolve, 200));
			}
			return wrangler(...args);
		};
		const running = withDeployment(
			slowly,
			async ({ redeploy }) => {
				setTimeout(() => interrupted.abort(new Error('interrupted')), 50);
				await redeploy();
				await new Promise(() => undefined);
			},
			{ ...options, signal: interrupted.signal },
		);
		await expect(running).rejects.toThrow('interrupted');
		expect(commands).toEqual([deploy, deploy, ...deletion]);
	});

	it('uses commands that the installed wrangler accepts', async () => {
		const { wrangler, commands } = recordingWrangler();
		const installed = createWrangler({ apiToken: 'token', accountId: 'account' });
		const outputs: string[] = [];
		const running = withDeployment(
			async (...args) => {
				// The commands of KV have no `--dry-run`.
				if (args[0] !== 'kv') outputs.push(await installed(...args, '--dry-run'));
				return wrangler(...args);
			},
			async () => undefined,
			options,
		);
		expect(await running).toEqual({ result: undefined, isDeleted: true });
		expect(commands).toEqual([deploy, ...deletion]);
		expect(outputs[0]).toContain('env.MATRIX_SESSIONS (MatrixSession)');
		expect(outputs[0]).toContain('env.TMCP_SESSION_INFO');
		expect(outputs).toHaveLength(2);
		for (const output of outputs) expect(output).toContain('--dry-run: exiting now');
	});

	it('names what could not be deleted and deletes the rest', async () => {
		const { wrangler, commands } = recordingWrangler(['delete']);
		const lines: string[] = [];
		const print = (line: string): void => void lines.push(line);
		const running = withDeployment(wrangler, async () => 'used', { ...options, print });
		expect(await running).toEqual({ result: 'used', isDeleted: false });
		expect(commands).toEqual([deploy, ...deletion]);
		expect(lines.join('\n')).toMatch(/Not deleted: the Worker tmcp-verify-\w+\..*the API is down/);
	});
});

it('forwards no more than the most requests of a run, also of concurrent ones', async () => {
	let served = 0;
	const server = createServer((_request, response) => {
		served += 1;
		response.end();
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	// Safe because a server that listens on TCP has an address with a port.
	const { port } = server.address() as AddressInfo;
	const gateway = new ObservingProxy([new URL(`http://127.0.0.1:${port}`)], 3);
	try {
		const url = await gateway.listen();
		const responses = await Promise.all(Array.from({ length: 5 }, () => fetch(url)));
		const statuses = responses.map(({ status }) => status).toSorted((one, other) => one - other);
		expect(statuses).toEqual([200, 200, 200, 429, 429]);
		expect(served).toBe(3);
		expect(gateway.isExhausted).toBe(true);
	} finally {
		await gateway.close();
		server.close();
	}
});

it('the documents get the date, the counts and the failures', () => {
	const client: ClientResult = {
		title: 'client',
		package: 'client',
		registry: 'npm',
		date: '2027-01-02',
		lists: 'tools',
		lacks: { resume: 'No.' },
		failures: { list: { pairs: 1, first: 'kv: expected tools' } },
	};
	const total = {
		sent: 10,
		received: 9,
		lost: 1,
		repeated: 0,
		outOfOrder: 0,
		gaps: 0,
		missedInGaps: 0,
	};
	const counts = { happened: new Map(), failed: new Map(), publications: new Map() };
	const section = formatSection(
		{
			matrix: { pairs: 2, clients: [client] },
			// Safe because only `total` is read.
			storm: { total, tallies: [], ...counts } as never,
		},
		'2027-01-02',
		'5.0.0',
	);
	expect(section).toBe(
		'Last run on Cloudflare: 2027-01-02, with wrangler 5.0.0. 15 of 16 steps of the clients passed. ' +
			'Of 10 messages in the storm, 1 were lost, 0 repeated and 0 out of order.\n\n' +
			'- client, list: kv: expected tools',
	);
});
