import { readFileSync, readdirSync } from 'node:fs';
const root = process.argv[2]; const name = process.argv[3] ?? 'session-object'; const rounds = Number(process.argv[4] ?? 5);
const { McpClient } = await import(`${root}/benchmarks/src/mcp-client.ts`);
const { sessionToolCall } = await import(`${root}/benchmarks/src/mcp-requests.ts`);
const { endpoint, startContenders } = await import(`${root}/benchmarks/src/start-contenders.ts`);
const running = await startContenders([name, 'bare-worker-session-object']);
const pid = readdirSync('/proc').filter((p) => /^\d+$/.test(p)).find((p) => { try { const s = readFileSync(`/proc/${p}/stat`, 'utf8'); return s.includes('(workerd)') && Number(s.split(') ')[1].split(' ')[1]) === process.pid; } catch { return false; } });
const cpu = () => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' '); return (Number(f[11]) + Number(f[12])) * 10; };
const make = async (n: string) => { const c = new McpClient(endpoint(running, n)); const sessions = await Promise.all(Array.from({ length: 8 }, () => c.open())); return async (count: number) => { let left = count; await Promise.all(sessions.map(async (s) => { while (left-- > 0) await c.send(sessionToolCall(s), '3'); })); }; };
const ours = await make(name); const bare = await make('bare-worker-session-object');
await ours(3000); await bare(3000);
const out: number[] = []; const o: number[] = []; const b: number[] = [];
for (let i = 0; i < rounds; i++) {
	let t = cpu(); await ours(3000); const x = cpu() - t; t = cpu(); await bare(3000); const y = cpu() - t;
	o.push(x / 3000); b.push(y / 3000); out.push(y / x);
}
const med = (a: number[]) => a.toSorted((p, q) => p - q)[a.length >> 1];
console.log(root, name, 'ms/call', med(o)?.toFixed(4), 'bare', med(b)?.toFixed(4), 'ratio', med(out)?.toFixed(3), out.map((x) => x.toFixed(2)).join(' '));
await running.stop(); process.exit(0);
