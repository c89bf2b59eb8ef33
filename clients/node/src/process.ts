import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { Client } from './client.js';
import { StartError } from './errors.js';
import { environment, type ServerOptions } from './options.js';
import type { CosEmu } from './server.js';
import type { World } from './world.js';

/** The pause between two looks at the ready file, in milliseconds. */
const PAUSE = 10;
/** How long a process may take to stop, in milliseconds, before it is killed. */
const GRACE = 10_000;

/** How the binary starts. */
export interface ProcessOptions extends ServerOptions {
  /** The path of the binary; `COS_EMU_BINARY` by default, else `cos-emu` of the `PATH`. */
  binary?: string;
  /** How long it may take until it is ready, in milliseconds; ten seconds by default. */
  startupTimeout?: number;
}

/**
 * The binary as a process of this machine, on a free port of 127.0.0.1. It ends with this program, and does not keep
 * it alive; `await using` stops it at the end.
 */
export class CosEmuProcess implements CosEmu {
  readonly client: Client;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(client: Client, child: ChildProcess, ended: Promise<void>) {
    this.client = client;
    this.#child = child;
    this.#ended = ended;
  }

  /**
   * Starts the binary, and returns when it is ready.
   *
   * @throws {StartError} when it ends before that, with what it printed: an option or a scenario was wrong
   */
  static async start(options: ProcessOptions = {}): Promise<CosEmuProcess> {
    const timeout = options.startupTimeout ?? 10_000;
    const binary = options.binary || process.env['COS_EMU_BINARY'] || 'cos-emu';
    const env = { ...inherited(), ...environment(options) };
    const folder = await mkdtemp(join(tmpdir(), 'cos-emu-'));
    const readyFile = join(folder, 'ready');
    const args = ['--listen', '127.0.0.1:0', '--ready-file', readyFile, '--exit-with-parent'];
    const child = spawn(binary, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    const collect = (text: string) => (output += text);
    child.stderr.setEncoding('utf8').on('data', collect);
    let end: string | undefined;
    const ended = new Promise<void>((resolve) => {
      child.on('error', (error) => {
        end = `did not start: ${error.message}`;
        resolve();
      });
      child.on('close', (status, signal) => {
        end ??= `ended with ${signal ?? `status ${status}`} before it was ready`;
        resolve();
      });
    });
    try {
      const deadline = Date.now() + timeout;
      let url: string | undefined;
      while (!(url = await address(readyFile))) {
        if (end === undefined && Date.now() > deadline) {
          end = `was not ready within ${timeout} ms`;
        }
        if (end !== undefined) {
          throw new StartError(`${binary} ${end}`, output);
        }
        await delay(PAUSE);
      }
      const client = new Client(url, options.controlToken);
      await client.waitUntilReady(timeout);
      // From here on nobody reads what it prints, but it has to go somewhere.
      child.stderr.off('data', collect).resume();
      hold(child, false);
      return new CosEmuProcess(client, child, ended);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  /** The id of the process. */
  get pid(): number {
    return this.#child.pid!;
  }

  endpoint(): string {
    return this.client.url;
  }

  proxy(): string {
    return this.client.url;
  }

  ca(): Promise<string> {
    return this.client.ca();
  }

  defaultWorld(): Promise<World> {
    return this.client.defaultWorld();
  }

  create(scenario: string | object): Promise<World> {
    return this.client.create(scenario);
  }

  /** Ends the process, and returns when it is gone; it may be called again. */
  async stop(): Promise<void> {
    hold(this.#child, true);
    this.#child.kill('SIGTERM');
    const killing = setTimeout(() => this.#child.kill('SIGKILL'), GRACE);
    await this.#ended;
    clearTimeout(killing);
  }

  /** The same as {@link stop}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** This program's environment without what would change the server unasked. */
function inherited(): NodeJS.ProcessEnv {
  const unasked = /^(COS_EMU_.*|(https?|all|no)_proxy)$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !unasked.test(name)));
}

/** The URL in the ready file, once its line is whole. */
async function address(readyFile: string): Promise<string | undefined> {
  const text = await readFile(readyFile, 'utf8').catch(() => '');
  return text.endsWith('\n') ? text.trim() : undefined;
}

/** Whether this program stays alive for the child and its pipe. */
function hold(child: ChildProcess, held: boolean): void {
  for (const handle of [child, child.stderr as Socket]) {
    handle[held ? 'ref' : 'unref']();
  }
}
