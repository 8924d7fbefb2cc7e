// Runs in a network namespace: listens on the registry's port and connects to it over a Unix socket,
// which crosses the boundary of the namespace.
import { connect, createServer } from 'node:net';

const [socket = '', port = ''] = process.argv.slice(2);
const server = createServer((from) => {
	const to = connect(socket);
	from.pipe(to).pipe(from);
	from.on('error', () => to.destroy());
	to.on('error', () => from.destroy());
});
server.listen(Number(port), '127.0.0.1', () => console.log('ready'));
