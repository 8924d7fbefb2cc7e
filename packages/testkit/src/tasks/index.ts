export { runTaskEngineCase, taskEngineCases, testTaskEngine } from './task-engine-suite.ts';
export type {
	TaskEngineCase,
	TaskEngineFactory,
	TaskEngineSubject,
	TaskEngineUnderTest,
	ToolAccess,
	ToolScript,
} from './task-engine-suite.ts';
export { runTaskStoreCase, taskStoreCases, testTaskStore } from './task-store-suite.ts';
export type {
	TaskStoreCase,
	TaskStoreFactory,
	TaskStoreSubject,
	TaskStoreUnderTest,
} from './task-store-suite.ts';
