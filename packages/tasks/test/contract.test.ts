import { InMemoryTaskStore, InProcessEngine, TaskRun } from '@tmcp-sessions/tasks/backend';
import { testTaskEngine, testTaskStore } from '@tmcp-sessions/testkit/tasks';

testTaskStore(
	'InMemoryTaskStore',
	({ now }) => {
		const store = new InMemoryTaskStore({ now });
		return { store, elsewhere: store };
	},
	{ consistency: 'isolate', maxResultBytes: 1_900_000 },
);

testTaskEngine(
	'InProcessEngine',
	(host) => {
		const store = new InMemoryTaskStore();
		const createCustom = (): undefined => undefined;
		const engine = new InProcessEngine(
			store,
			(deps) => new TaskRun({ ...deps, host, createCustom }),
		);
		return { store, engine };
	},
	{ maxRunSeconds: null, survivesDeploy: false, steps: false },
);
