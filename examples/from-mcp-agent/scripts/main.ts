import { parseArgs } from 'node:util';

import { deleteOldObjects } from './delete-old-objects.ts';

const { values } = parseArgs({
	options: {
		orphans: { type: 'boolean', default: false },
		all: { type: 'boolean', default: false },
		'per-second': { type: 'string', default: '100' },
	},
});

const variable = (name: string): string => {
	const value = process.env[name];
	if (value) return value;
	throw new Error(`Set the variable ${name}; README.md says to what`);
};
const account = variable('CLOUDFLARE_ACCOUNT_ID');
const namespace = variable('NAMESPACE_ID');
const api = 'https://api.cloudflare.com/client/v4/accounts';

await deleteOldObjects({
	listUrl: `${api}/${account}/workers/durable_objects/namespaces/${namespace}/objects`,
	apiToken: variable('CLOUDFLARE_API_TOKEN'),
	retireUrl: new URL('/old-objects', variable('WORKER_URL')).href,
	adminToken: variable('ADMIN_TOKEN'),
	mode: values.all ? 'all' : values.orphans ? 'orphans' : 'dry-run',
	perSecond: Number(values['per-second']),
	progressFile: '.old-objects.json',
	log: (line) => console.log(line),
});
