/** Splits a stream into parts of the same length, except the last, which may be shorter. */
export async function* splitIntoParts(
	body: ReadableStream<Uint8Array>,
	partBytes: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>, undefined> {
	let chunks: Uint8Array[] = [];
	let length = 0;
	const joinChunks = async (): Promise<Uint8Array<ArrayBuffer>> =>
		new Uint8Array(await new Blob(chunks).arrayBuffer());
	for await (const chunk of body) {
		chunks.push(chunk);
		length += chunk.length;
		if (length < partBytes) continue;
		const joined = await joinChunks();
		let start = 0;
		for (; joined.length - start >= partBytes; start += partBytes) {
			yield joined.subarray(start, start + partBytes);
		}
		chunks = [joined.subarray(start)];
		length = joined.length - start;
	}
	if (length > 0) yield joinChunks();
	return undefined;
}
