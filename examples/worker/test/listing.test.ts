import { listWithOfficialClients } from '@tmcp-sessions/clients/listing';
import { expect, it, onTestFinished } from 'vitest';
import { endpoint, startNotesWorkers } from '../demo/notes-workers.ts';
import { offered } from '../demo/offered.ts';

it('lists everything to the official clients and the Inspector', { timeout: 60_000 }, async () => {
	const workers = await startNotesWorkers();
	onTestFinished(() => workers.stop());
	const listings = await listWithOfficialClients(endpoint(workers, 'a'), offered);
	for (const [client, listing] of Object.entries(listings)) {
		expect(listing, client).toEqual(offered);
	}
});
