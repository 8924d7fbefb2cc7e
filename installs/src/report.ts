/** Collects what passed and failed, and prints it as it happens. */
export class Report {
	#passed = 0;
	#skipped = 0;
	readonly #failures: string[] = [];

	get passed(): number {
		return this.#passed;
	}

	get skipped(): number {
		return this.#skipped;
	}

	get failures(): readonly string[] {
		return this.#failures;
	}

	pass(title: string, note = ''): void {
		this.#passed += 1;
		console.log(`passed  ${title}${note && `  ${note}`}`);
	}

	skip(title: string, reason: string): void {
		this.#skipped += 1;
		console.log(`not run ${title}: ${reason}`);
	}

	fail(title: string, detail: string): void {
		this.#failures.push(title);
		console.log(`FAILED  ${title}\n${detail.replaceAll(/^/gm, '    ')}`);
	}

	/** Runs a case and reports it by its title. */
	async try(title: string, run: () => Promise<string | void>): Promise<boolean> {
		const start = performance.now();
		try {
			const note = await run();
			const seconds = ((performance.now() - start) / 1000).toFixed(1);
			this.pass(title, [`${seconds} s`, note].filter(Boolean).join(', '));
			return true;
		} catch (failure) {
			this.fail(title, failure instanceof Error ? failure.message : String(failure));
			return false;
		}
	}
}
