/** What goes wrong between a program and a server of cos-emu; its message says what was asked and what came. */
export class CosEmuError extends Error {
  override readonly name: string = 'CosEmuError';
}

/** One mistake in what was sent, such as a field of a scenario that does not exist. */
export interface Mistake {
  /** The code of the mistake, such as `E203`. */
  code: string;
  /** The line in the text that was sent, from 1. */
  line: number;
  /** The column in that line, from 1. */
  column: number;
  /** The path of the field, such as `rules[0].when`; empty for the document itself. */
  path: string;
  message: string;
  /** What was probably meant. */
  hint: string | null;
}

/** The body of an answer of the type `application/problem+json`. */
export interface Problem {
  status: number;
  title: string;
  detail: string;
  errors?: Mistake[];
}

/** The server refused a request, and said why. */
export class ProblemError extends CosEmuError implements Problem {
  override readonly name = 'ProblemError';
  /** The status of the answer. */
  readonly status: number;
  readonly title: string;
  /** The reason in words; for an invalid scenario every mistake with its place, its line and its hint. */
  readonly detail: string;
  /** The mistakes of an invalid scenario; empty for other problems. */
  readonly errors: Mistake[];

  constructor(asked: string, problem: Problem) {
    super(`${asked}: ${problem.status} ${problem.title}: ${problem.detail}`);
    this.status = problem.status;
    this.title = problem.title;
    this.detail = problem.detail;
    this.errors = problem.errors ?? [];
  }
}

/** A process or a container ended, or ran out of time, before it was ready. */
export class StartError extends CosEmuError {
  override readonly name = 'StartError';
  /** What it had printed until then. */
  readonly output: string;

  constructor(what: string, output: string) {
    super(`${what}\n${output}`.trim());
    this.output = output;
  }
}
