/** One check of a verdict. */
export interface VerdictCase {
  /** A name that stays, such as `rules/cut-part-3` or `V01`. */
  name: string;
  /** What has to hold, in words. */
  title: string;
  outcome: 'passed' | 'failed' | 'skipped';
  /** Why it failed or was skipped. */
  reasons?: string[];
}

/** The verdict as the server writes it. */
export interface VerdictDocument {
  scenario: string;
  seed: string;
  holds: boolean;
  exchanges: number;
  dropped: number;
  cases: VerdictCase[];
}

/** Whether the client coped with what the scenario did to it. */
export class Verdict implements VerdictDocument {
  /** The name of the scenario. */
  readonly scenario: string;
  /** The seed, which repeats the same faults, as `0x…`. */
  readonly seed: string;
  /** Whether no check failed. */
  readonly holds: boolean;
  /** How many exchanges there were. */
  readonly exchanges: number;
  /** How many of them the journal had dropped before it was judged. */
  readonly dropped: number;
  readonly cases: VerdictCase[];

  constructor(document: VerdictDocument) {
    this.scenario = document.scenario;
    this.seed = document.seed;
    this.holds = document.holds;
    this.exchanges = document.exchanges;
    this.dropped = document.dropped;
    this.cases = document.cases;
  }

  /** The checks that failed. */
  get failed(): VerdictCase[] {
    return this.cases.filter(({ outcome }) => outcome === 'failed');
  }

  /** The verdict as the message of an assertion: each check that failed, with its reasons. */
  toString(): string {
    const checks = this.cases.filter(({ outcome }) => outcome !== 'skipped').length;
    const result = this.holds
      ? `the client coped: ${checks} checks passed`
      : `the client did not cope: ${this.failed.length} of ${checks} checks failed`;
    const lines = [`scenario "${this.scenario}": ${result} (${this.exchanges} exchanges, seed ${this.seed})`];
    for (const { name, title, reasons = [] } of this.failed) {
      lines.push(`  ${name}: ${title}`, ...reasons.map((reason) => `    ${reason}`));
    }
    return lines.join('\n');
  }
}
