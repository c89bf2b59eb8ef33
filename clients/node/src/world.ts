import { CosEmuError } from './errors.js';
import type { Exchange, ExchangeFilter } from './exchange.js';
import type { Connection, Question } from './http.js';
import { Verdict, type VerdictDocument } from './verdict.js';

/** The id of the world that the server starts with. */
const DEFAULT = 'default';

/** A number of milliseconds, or a text as scenario files write it, such as `"4h"`. */
export type Duration = number | string;

/** A pair of keys; whoever signs with it is in the world that it belongs to. */
export interface AccessKey {
  id: string;
  key: string;
}

/** What a world is made of, as the server writes it. */
export interface WorldDocument {
  id: string;
  name: string;
  seed: string;
  /** The three are there only for a world that was just made. */
  endpoint?: string;
  header?: { name: string; value: string };
  client?: AccessKey | null;
}

/** How often a rule matched and fired. */
export interface Count {
  id: string;
  matches: number;
  firings: number;
  /** How often it has to fire; `max` is null without a limit. */
  mustFire: { min: number; max: number | null };
  /** Whether it has. */
  fulfilled: boolean;
}

/** The counts of a world. */
export interface Counts {
  rules: Count[];
  /** Those of the rules about connections. */
  connections: Count[];
  /** The state that the scenario is in, if it has states. */
  state: string | undefined;
}

/** What a clock shows. */
export interface ClockReading {
  now: Date;
  /** Whether it runs; otherwise it is frozen. */
  running: boolean;
  /** How far it is ahead of real time, in milliseconds. */
  skew: number;
}

/** The clock of a world. What follows from a change, such as a job that is complete, has happened when it returns. */
export class Clock {
  readonly #connection: Connection;
  readonly #path: string;

  constructor(connection: Connection, path: string) {
    this.#connection = connection;
    this.#path = path;
  }

  read(): Promise<ClockReading> {
    return this.#ask({});
  }

  /** Stops it at an instant. */
  freeze(instant: Date | string): Promise<ClockReading> {
    return this.#set({ freeze: instant instanceof Date ? instant.toISOString() : instant });
  }

  /** Puts it forward; a frozen clock stays frozen. */
  advance(duration: Duration): Promise<ClockReading> {
    return this.#set({ advance: typeof duration === 'number' ? `${duration}ms` : duration });
  }

  /** Lets it run ahead of real time, or behind: a signed number of milliseconds, or a text such as `"-20m"`. */
  skew(difference: Duration): Promise<ClockReading> {
    const text = typeof difference === 'number' ? `${difference < 0 ? '-' : '+'}${Math.abs(difference)}ms` : difference;
    return this.#set({ skew: text });
  }

  /** Lets a frozen clock run again. */
  run(): Promise<ClockReading> {
    return this.#set({ run: true });
  }

  #set(change: object): Promise<ClockReading> {
    return this.#ask({ method: 'PUT', body: JSON.stringify(change) });
  }

  async #ask(question: Question): Promise<ClockReading> {
    const clock = await this.#connection.json<{ now: string; run: boolean; skew_ms?: number }>(this.#path, question);
    return { now: new Date(clock.now), running: clock.run, skew: clock.skew_ms ?? 0 };
  }
}

/** A scenario with its own rules, counts, clock, journal, buckets and vaults. `await using` deletes it at the end. */
export class World {
  readonly id: string;
  /** The name of the scenario. */
  readonly name: string;
  /** The seed, which repeats the same faults, as `0x…`. */
  readonly seed: string;
  /** The URL to point an SDK at. */
  readonly endpoint: string;
  /** A header that takes a request to this world. */
  readonly header: { name: string; value: string };
  /** The keys that take a signed request to this world; null when it has none or was not made by this client. */
  readonly accessKey: AccessKey | null;
  readonly clock: Clock;
  readonly #connection: Connection;
  readonly #path: string;
  #last: Verdict | undefined;

  constructor(connection: Connection, document: WorldDocument) {
    this.id = document.id;
    this.name = document.name;
    this.seed = document.seed;
    this.endpoint = document.endpoint ?? connection.url;
    this.header = document.header ?? { name: 'x-emu-scenario', value: document.id };
    this.accessKey = document.client ?? null;
    this.#connection = connection;
    this.#path = `v1/scenarios/${encodeURIComponent(document.id)}`;
    this.clock = new Clock(connection, `${this.#path}/clock`);
  }

  /** The exchanges so far. */
  journal(filter: ExchangeFilter = {}): Promise<Exchange[]> {
    return this.#exchanges(filter);
  }

  /**
   * The exchanges, as soon as so many are there.
   *
   * @param timeout the longest wait in milliseconds, at most five minutes; ten seconds by default
   * @throws {CosEmuError} when fewer came within that time
   */
  async waitFor(count: number, filter: ExchangeFilter = {}, timeout = 10_000): Promise<Exchange[]> {
    const exchanges = await this.#exchanges({ ...filter, wait: count, timeout: `${timeout}ms` }, timeout);
    if (exchanges.length < count) {
      const wanted = JSON.stringify(filter);
      throw new CosEmuError(`${exchanges.length} exchanges came within ${timeout} ms, not ${count}: ${wanted}`);
    }
    return exchanges;
  }

  /** Judges what has happened so far. That the client did not cope is a verdict, not an error. */
  async verdict(): Promise<Verdict> {
    const question: Question = { method: 'POST', accept: [200, 409] };
    return new Verdict(await this.#connection.json<VerdictDocument>(`${this.#path}/verdict`, question));
  }

  /** How often each rule matched and fired. */
  async counts(): Promise<Counts> {
    type Written = Omit<Count, 'mustFire'> & { must_fire: Count['mustFire'] };
    const counts = await this.#connection.json<{ rules: Written[]; connections: Written[]; state?: string }>(this.#path);
    const read = ({ must_fire, ...count }: Written): Count => ({ ...count, mustFire: must_fire });
    return { rules: counts.rules.map(read), connections: counts.connections.map(read), state: counts.state };
  }

  /** Puts everything back to the start, with the same seed. */
  async reset(): Promise<void> {
    await this.#connection.text(`${this.#path}/reset`, { method: 'POST', accept: [204] });
  }

  /**
   * Ends the world; it may be called again.
   *
   * @returns its last verdict
   * @throws {ProblemError} for the world that the server started with, which ends with the server
   */
  async delete(): Promise<Verdict> {
    return (this.#last ??= new Verdict(await this.#connection.json<VerdictDocument>(this.#path, { method: 'DELETE' })));
  }

  /** Ends the world, unless it is the one that the server started with. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.id !== DEFAULT) {
      await this.delete();
    }
  }

  async #exchanges(query: ExchangeFilter & { wait?: number; timeout?: string }, wait = 0): Promise<Exchange[]> {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) {
        parameters.set(name, String(value));
      }
    }
    const page = await this.#connection.json<{ exchanges: Exchange[] }>(`${this.#path}/journal?${parameters}`, { wait });
    return page.exchanges;
  }
}
