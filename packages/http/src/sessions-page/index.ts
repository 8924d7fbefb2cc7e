// A page of live sessions for operators. It does not import the handler.

export { createSessionsPage } from './create-sessions-page.ts';
export type {
	Authorization,
	SessionsPage,
	SessionsPageManagers,
	SessionsPageOptions,
	TaskListing,
} from './options.ts';
export { requirePassword } from './require-password.ts';
