import { McpClient } from './src/mcp-client.ts';
import { sessionToolCall } from './src/mcp-requests.ts';
import { endpoint, startContenders } from './src/start-contenders.ts';
import { writeFileSync } from 'node:fs';
const name = (process.argv[2] ?? 'session-object') as 'session-object';
const running = await startContenders([name]);
const url = endpoint(running, name);
const client = new McpClient(url);
const session = await client.open();
const list = await (await fetch(`http://127.0.0.1:${process.env.INSPECT}/json`)).json() as { id: string; title: string; webSocketDebuggerUrl: string }[];
console.log(list.map((l) => `${l.id} ${l.title} ${l.webSocketDebuggerUrl}`).join('\n'));
const socks = await Promise.all(list.filter((l) => /objects|session-object/.test(l.webSocketDebuggerUrl)).map(async (l) => {
	const ws = new WebSocket(l.webSocketDebuggerUrl);
	await new Promise((r) => ws.addEventListener('open', r));
	let id = 0; const waiting = new Map<number, (v: any) => void>();
	ws.addEventListener('message', (e) => { const m = JSON.parse(String(e.data)); if (m.id) waiting.get(m.id)?.(m); });
	const send = (method: string, params = {}) => new Promise<any>((r) => { id += 1; waiting.set(id, r); ws.send(JSON.stringify({ id, method, params })); });
	return { name: l.webSocketDebuggerUrl.split('/').pop(), send };
}));
const work = async (ms: number) => { const end = Date.now() + ms; let n = 0; await Promise.all(Array.from({ length: 8 }, async () => { while (Date.now() < end) { await client.send(sessionToolCall(session), '"3"'); n++; } })); return n; };
await work(4000);
for (const s of socks) { await s.send('Profiler.enable'); await s.send('Profiler.setSamplingInterval', { interval: 200 }); await s.send('Profiler.start'); }
console.log('calls', await work(12000));
for (const s of socks) {
	const { result } = await s.send('Profiler.stop');
	writeFileSync(`/tmp/prof.${s.name}.json`, JSON.stringify(result.profile));
	const p = result.profile; const self = new Map<string, number>(); const byId = new Map(p.nodes.map((n: any) => [n.id, n]));
	p.samples.forEach((id: number, i: number) => { const n: any = byId.get(id); const k = `${n.callFrame.functionName || '(anon)'} ${n.callFrame.url.split('/').slice(-1)}:${n.callFrame.lineNumber + 1}`; self.set(k, (self.get(k) ?? 0) + p.timeDeltas[i]); });
	const total = [...self.values()].reduce((a, b) => a + b, 0);
	console.log('==', s.name, total);
	for (const [k, v] of [...self].sort((a, b) => b[1] - a[1]).slice(0, 45)) console.log((v / total * 100).toFixed(1).padStart(6), k);
}
client.close(); await running.stop(); process.exit(0);
