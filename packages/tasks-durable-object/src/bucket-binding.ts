import type { BindingKind } from '@tmcp-sessions/core/backend';

import { PACKAGE } from './package-name.ts';

/** The bucket for results that do not fit into a row. */
export const BUCKET_KIND: BindingKind = {
	packageName: PACKAGE,
	what: 'an R2 bucket',
	methods: ['head', 'put', 'createMultipartUpload'],
	defaultName: 'TMCP_TASK_RESULTS',
	wranglerLines: (name) =>
		`  "r2_buckets": [{ "binding": "${name}", "bucket_name": "<a bucket>" }]`,
};
