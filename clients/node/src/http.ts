import http, { type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

import { CosEmuError, ProblemError, type Problem } from './errors.js';

/** How long an answer may take, in milliseconds, beyond what the server was asked to wait. */
const TIMEOUT = 5_000;

/** An agent of its own goes through no proxy: that of the environment is often cos-emu itself. */
const agent = new http.Agent();

/** What to ask. */
export interface Question {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** JSON text. */
  body?: string;
  /** How long the server is asked to wait, in milliseconds. */
  wait?: number;
  /** The statuses that are no error; 200 alone by default. */
  accept?: number[];
}

/** Sends requests to the control API of one server, each over a connection of its own. */
export class Connection {
  /** Where the server is, without a slash at the end. */
  readonly url: string;
  readonly #token: string | undefined;

  constructor(url: string | URL, token: string | undefined) {
    const { protocol, origin } = new URL(url);
    if (protocol !== 'http:') {
      throw new TypeError(`the control API is reached by http, not by ${url}`);
    }
    this.url = origin;
    this.#token = token;
  }

  /** The text of the answer; every other status than the accepted ones, and every problem, is thrown. */
  async text(path: string, question: Question = {}): Promise<string> {
    const { method = 'GET', body, wait = 0, accept = [200] } = question;
    const asked = `${method} ${this.url}/_cos-emu/${path}`;
    const signal = AbortSignal.timeout(TIMEOUT + wait);
    let answer: IncomingMessage;
    let content: string;
    try {
      answer = await this.#send(path, method, body, signal);
      content = await text(answer);
    } catch (cause) {
      // An AggregateError of Node, for a name with several addresses, has a code but no message.
      const { message, code } = cause as NodeJS.ErrnoException;
      const what = signal.aborted ? `no answer within ${TIMEOUT + wait} ms` : message || code;
      throw new CosEmuError(`${asked}: ${what}`, { cause });
    }
    const type = answer.headers['content-type'] ?? 'no content type';
    if (type.startsWith('application/problem+json')) {
      throw new ProblemError(asked, parse<Problem>(asked, content));
    }
    if (!accept.includes(answer.statusCode!)) {
      throw new CosEmuError(`${asked}: ${answer.statusCode} with ${type}: ${content.slice(0, 500)}`);
    }
    return content;
  }

  /** The same for an answer in JSON. */
  async json<T>(path: string, question: Question = {}): Promise<T> {
    return parse<T>(`${this.url}/_cos-emu/${path}`, await this.text(path, question));
  }

  #send(path: string, method: string, body: string | undefined, signal: AbortSignal): Promise<IncomingMessage> {
    const headers = {
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...(this.#token !== undefined && { Authorization: `Bearer ${this.#token}` }),
    };
    return new Promise((resolve, reject) => {
      http.request(`${this.url}/_cos-emu/${path}`, { method, headers, agent, signal })
        .on('response', resolve)
        .on('error', reject)
        .end(body);
    });
  }
}

function parse<T>(asked: string, content: string): T {
  try {
    return JSON.parse(content) as T;
  } catch (cause) {
    throw new CosEmuError(`${asked}: not JSON: ${content.slice(0, 500)}`, { cause });
  }
}
