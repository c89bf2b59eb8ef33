import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { CosEmuError } from './errors.js';
import { Connection, type Question } from './http.js';
import { World, type WorldDocument } from './world.js';

/** The pause between two questions whether a server is ready, in milliseconds. */
const PAUSE = 50;

/** Speaks to the control API of a server. It never goes through a proxy, and each request has a timeout. */
export class Client {
  readonly #connection: Connection;

  /**
   * @param url where the server is, such as `http://127.0.0.1:3077`
   * @param token the token of `--control-token`
   */
  constructor(url: string | URL, token?: string) {
    this.#connection = new Connection(url, token);
  }

  /** Where the server is, without a slash at the end. */
  get url(): string {
    return this.#connection.url;
  }

  /** Whether the server serves. */
  async ready(): Promise<boolean> {
    try {
      await this.#connection.text('readyz');
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Returns as soon as the server serves.
   *
   * @param timeout the longest wait in milliseconds
   * @throws {CosEmuError} when it does not within that time, with the last thing that went wrong
   */
  async waitUntilReady(timeout = 10_000): Promise<void> {
    const deadline = Date.now() + timeout;
    for (;;) {
      try {
        await this.#connection.text('readyz');
        return;
      } catch (cause) {
        if (Date.now() + PAUSE > deadline) {
          throw new CosEmuError(`not ready within ${timeout} ms: ${(cause as Error).message}`, { cause });
        }
      }
      await delay(PAUSE);
    }
  }

  /** All worlds. */
  async worlds(): Promise<World[]> {
    const documents = await this.#connection.json<WorldDocument[]>('v1/scenarios');
    return documents.map((document) => new World(this.#connection, document));
  }

  /** The world of this id. */
  async world(id: string): Promise<World> {
    return new World(this.#connection, await this.#connection.json(`v1/scenarios/${encodeURIComponent(id)}`));
  }

  /** The world that the server started with: that of every request which no other world claims. */
  defaultWorld(): Promise<World> {
    return this.world('default');
  }

  /**
   * Makes a world of its own.
   *
   * @param scenario the text of a scenario file, or a value that becomes that text as JSON
   * @throws {ProblemError} for an invalid scenario, with every mistake in it
   */
  async create(scenario: string | object): Promise<World> {
    const body = typeof scenario === 'string' ? scenario : JSON.stringify(scenario);
    const question: Question = { method: 'POST', body, accept: [201] };
    return new World(this.#connection, await this.#connection.json('v1/scenarios', question));
  }

  /** The same for a scenario file. */
  async createFromFile(path: string | URL): Promise<World> {
    return this.create(await readFile(path, 'utf8'));
  }

  /** The certificate, in PEM, of the CA that signs for TLS: the `ca` of `node:https`. */
  ca(): Promise<string> {
    return this.#connection.text('ca.pem');
  }

  /** Writes that certificate to a file, for programs that want a path, as in `NODE_EXTRA_CA_CERTS`. */
  async saveCa(path: string | URL): Promise<void> {
    await writeFile(path, await this.ca());
  }
}
