import { afterEach, expect, it, vi } from 'vitest';

afterEach(() => {
	vi.unstubAllGlobals();
	vi.resetModules();
});

it.each(['node:diagnostics_channel', 'its own channels'])(
	'hands listeners the events of a runtime with %s until they unsubscribe',
	async (runtime) => {
		if (runtime === 'its own channels') vi.stubGlobal('process', undefined);
		vi.resetModules();
		const { channels, onTelemetry } = await import('../src/telemetry/channels.ts');
		vi.unstubAllGlobals();
		const received: unknown[] = [];
		expect(channels.session.hasSubscribers).toBe(false);
		const end = onTelemetry('session', (event) => received.push(event));
		expect(channels.session.hasSubscribers).toBe(true);
		expect(channels.stream.hasSubscribers).toBe(false);
		channels.session.publish({ action: 'opened' });
		end();
		channels.session.publish({ action: 'ended' });
		expect(received).toEqual([{ action: 'opened' }]);
		expect(channels.session.hasSubscribers).toBe(false);
	},
);
