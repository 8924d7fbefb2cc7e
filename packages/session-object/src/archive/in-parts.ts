/** What a stream gives, in parts of the same length: but the last, which may be shorter. */
export async function* inParts(
	body: ReadableStream<Uint8Array>,
	partBytes: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>, undefined> {
	let chunks: Uint8Array[] = [];
	let length = 0;
	const joined = async (): Promise<Uint8Array<ArrayBuffer>> =>
		new Uint8Array(await new Blob(chunks).arrayBuffer());
	for await (const chunk of body) {
		chunks.push(chunk);
		length += chunk.length;
		if (length < partBytes) continue;
		const all = await joined();
		let start = 0;
		for (; all.length - start >= partBytes; start += partBytes) {
			yield all.subarray(start, start + partBytes);
		}
		chunks = [all.subarray(start)];
		length = all.length - start;
	}
	if (length > 0) yield joined();
	return undefined;
}
