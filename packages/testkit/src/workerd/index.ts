export { bundleWorker, workerBundle } from './bundle.ts';
export type { BundledWorker } from './bundle.ts';
export { startWorkers } from './start-workers.ts';
export type { Eviction, Workers } from './start-workers.ts';
export { workerdVersions } from './workerd-binary.ts';
export type { WorkerdVersion } from './workerd-binary.ts';
export type { QueueConsumer, WorkersOptions } from './workers-options.ts';
