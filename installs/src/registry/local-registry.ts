import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { RunningProcess, accepts, runCommand, waitUntil } from '../process.ts';

/** A registry on this machine that holds the packages of this repository and passes others through. */
export interface LocalRegistry {
	readonly url: string;
	/** Path of an npm configuration with which the registry accepts a publication. */
	readonly userConfig: string;
	/** Versions of a package of this repository that were published. */
	stop(): Promise<void>;
}

/** Starts a registry whose storage is in `folder`. Other packages come from the registry that npm is configured with. */
export async function startRegistry(folder: string): Promise<LocalRegistry> {
	const uplink = await runCommand('npm', ['config', 'get', 'registry'], {
		cwd: folder,
		env: process.env,
	});
	const port = await freePort();
	mkdirSync(folder, { recursive: true });
	const config = join(folder, 'config.json');
	// YAML includes JSON.
	writeFileSync(config, JSON.stringify(verdaccioConfig(folder, uplink)));
	const binary = join(import.meta.dirname, '../../node_modules/verdaccio/bin/verdaccio');
	const listen = `127.0.0.1:${port}`;
	const server = new RunningProcess(
		process.execPath,
		[binary, '--config', config, '--listen', listen],
		{ cwd: folder, env: process.env },
	);
	const describe = () => `verdaccio did not start within 30 s:\n${server.output}`;
	await waitUntil(() => accepts(port), 30, describe);
	const userConfig = join(folder, 'npmrc');
	// npm and pnpm publish only with a token; the registry accepts any.
	writeFileSync(userConfig, `//${listen}/:_authToken=local\n`);
	return { url: `http://${listen}/`, userConfig, stop: () => server.stop() };
}

function verdaccioConfig(folder: string, uplink: string): object {
	const access = { access: '$all', publish: '$all', unpublish: '$all' };
	return {
		storage: join(folder, 'storage'),
		uplinks: { npm: { url: uplink, maxage: '30m', timeout: '60s', max_fails: 20 } },
		packages: {
			'@tmcp-sessions/*': access,
			'create-tmcp-sessions': access,
			'**': { ...access, proxy: 'npm' },
		},
		web: { enable: false },
		max_body_size: '50mb',
		log: { type: 'stdout', format: 'pretty', level: 'warn' },
	};
}

async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	await new Promise((resolve) => server.close(resolve));
	if (address === null || typeof address === 'string') throw new Error('no port is free');
	return address.port;
}
