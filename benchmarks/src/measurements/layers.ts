import { SourceMap } from 'node:module';
import type { SourceMapPayload } from 'node:module';
import { Inspector } from '../client/inspector.ts';
import type { Contender } from '../contenders.ts';
import type { RunningContenders } from '../runtime.ts';
import { byName } from './measurement.ts';

const SAMPLING_MICROSECONDS = 200;

/** The layers of a call, with their columns in the table. */
export const layers = {
	workerd: 'workerd: HTTP, I/O and garbage',
	handler: 'our handler',
	transport: '`HttpTransport`',
	tmcp: '`receive` of tmcp and the tool',
	validation: 'schema validation',
	storage: 'storage and its manager',
} as const;
/** One of them. */
export type Layer = keyof typeof layers;
/** All layers. */
// Safe because the keys are those of the literal.
export const layerNames = Object.keys(layers) as Layer[];
/** CPU time by layer. */
export type LayerTimes = Record<Layer, number>;

/** The layer of each package that a call runs. */
const layersOfPackages: Readonly<Record<string, Layer>> = {
	'@tmcp/transport-http': 'transport',
	'@tmcp/session-manager': 'transport',
	tmcp: 'tmcp',
	'json-rpc-2.0': 'tmcp',
	'uri-template-matcher': 'tmcp',
	valibot: 'validation',
	'@tmcp/adapter-valibot': 'validation',
	'@upstash/redis': 'storage',
	uncrypto: 'storage',
};
/** The layer of a path in this repository. The first match counts. */
const layersOfPaths: readonly (readonly [RegExp, Layer])[] = [
	[/^packages\/(info-[\w-]+|streams-[\w-]+|redis|core\/\w+\/(info|store))\//, 'storage'],
	[/^benchmarks\/src\/workers\/(objects|floor-stores|info-managers)\.ts/, 'storage'],
	[/^benchmarks\/src\/workers\/server\.ts/, 'tmcp'],
	[/^(packages\/(http|core|session-object)|benchmarks\/src)\//, 'handler'],
	[/^source:/, 'handler'],
];

/** A profile of V8: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
interface Profile {
	readonly nodes: readonly ProfileNode[];
	readonly samples: readonly number[];
	/** Microseconds. */
	readonly timeDeltas: readonly number[];
}
interface ProfileNode {
	readonly id: number;
	readonly callFrame: {
		readonly functionName: string;
		readonly lineNumber: number;
		readonly columnNumber: number;
	};
	readonly children?: readonly number[];
}

/** Profiles the isolates of a contender: its own, its objects' and those of miniflare's KV. */
export class LayerProfiler implements Disposable {
	readonly #running: RunningContenders<Contender>;
	/** By isolate. They stay open: workerd sometimes ignores a connection right after another one. */
	readonly #inspectors = new Map<string, Inspector>();
	readonly #sourceMaps = new Map<string, SourceMap>();

	constructor(running: RunningContenders<Contender>) {
		this.#running = running;
	}

	/** Returns the milliseconds of each layer while a job runs, as V8 samples them. */
	async profile(name: Contender, job: () => Promise<unknown>): Promise<LayerTimes> {
		const isolates = ['core:user:objects', `core:user:${name}`, 'kv:ns', 'kv:ns:entry'];
		const inspectors: [string, Inspector][] = [];
		for (const isolate of isolates) {
			const inspector = this.#inspectors.get(isolate) ?? (await this.#open(isolate));
			await inspector.send('Profiler.start');
			inspectors.push([isolate, inspector]);
		}
		await job();
		const times = byName(layerNames, () => 0);
		for (const [isolate, inspector] of inspectors) {
			const { profile } = await inspector.send<{ profile: Profile }>('Profiler.stop');
			this.#add(times, isolate, profile);
		}
		return times;
	}

	/** Closes the connections. */
	[Symbol.dispose](): void {
		for (const inspector of this.#inspectors.values()) inspector[Symbol.dispose]();
	}

	async #open(isolate: string): Promise<Inspector> {
		const inspector = await Inspector.open(this.#running, isolate);
		this.#inspectors.set(isolate, inspector);
		await inspector.send('Debugger.enable');
		await inspector.send('Debugger.disable');
		for (const { sourceMapURL } of inspector.events('Debugger.scriptParsed')) {
			const [, base64] = String(sourceMapURL).split('base64,');
			if (base64 === undefined) continue;
			// Safe because esbuild wrote it.
			const payload = JSON.parse(Buffer.from(base64, 'base64').toString()) as SourceMapPayload;
			this.#sourceMaps.set(isolate, new SourceMap(payload));
		}
		await inspector.send('Profiler.enable');
		await inspector.send('Profiler.setSamplingInterval', { interval: SAMPLING_MICROSECONDS });
		return inspector;
	}

	/** Adds the self times of a profile. A native function belongs to the layer of its caller. */
	#add(times: LayerTimes, isolate: string, { nodes, samples, timeDeltas }: Profile): void {
		const byId = new Map(nodes.map((node) => [node.id, node]));
		const layerOfNode = new Map<number, Layer | undefined>();
		const visit = (node: ProfileNode, callers: Layer): void => {
			const own = isolate.startsWith('kv:') ? 'storage' : this.#layerOf(isolate, node);
			// Such as `(idle)` and `(program)`.
			const isPlace = node.callFrame.functionName.startsWith('(');
			layerOfNode.set(node.id, isPlace ? undefined : (own ?? callers));
			for (const id of node.children ?? []) {
				const child = byId.get(id);
				if (child) visit(child, own ?? callers);
			}
		};
		const [root] = nodes;
		if (root) visit(root, 'workerd');
		for (const [index, id] of samples.entries()) {
			const layer = layerOfNode.get(id);
			if (layer) times[layer] += (timeDeltas[index] ?? 0) / 1000;
		}
	}

	/** Returns the layer of a function, or undefined if it is native. */
	#layerOf(isolate: string, { callFrame }: ProfileNode): Layer | undefined {
		const { lineNumber, columnNumber } = callFrame;
		if (lineNumber < 0) return undefined;
		const entry = this.#sourceMaps.get(isolate)?.findEntry(lineNumber, columnNumber);
		const source = entry && 'originalSource' in entry ? entry.originalSource : undefined;
		if (source === undefined) return undefined;
		const [, packageName] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source) ?? [];
		const path = source.replace(/^.*?(?=(packages|benchmarks)\/)/, '');
		const layer =
			packageName === undefined
				? layersOfPaths.find(([pattern]) => pattern.test(path))?.[1]
				: layersOfPackages[packageName];
		if (layer === undefined) throw new Error(`layers.ts must name the layer of ${source}`);
		return layer;
	}
}
