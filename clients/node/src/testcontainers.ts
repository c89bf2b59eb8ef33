/**
 * cos-emu in a container, by Testcontainers.
 *
 * @module
 */
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

import {
  AbstractStartedContainer,
  GenericContainer,
  Wait,
  getContainerRuntimeClient,
  type StartedTestContainer,
} from 'testcontainers';

import { Client } from './client.js';
import { StartError } from './errors.js';
import { environment, type ServerOptions } from './options.js';
import type { CosEmu } from './server.js';
import type { World } from './world.js';

/** The port that the image listens on. */
const PORT = 3077;
/** The pause between two looks whether the container is ready or gone, in milliseconds. */
const PAUSE = 250;

/** How the container starts. */
export interface ContainerOptions extends ServerOptions {
  /** The image; `COS_EMU_IMAGE` by default, else `cos-emu:latest`. */
  image?: string;
}

/** A container of the image; {@link start} returns when it is ready. */
export class CosEmuContainer extends GenericContainer {
  readonly #options: ContainerOptions;
  #id: string | undefined;
  #published = false;

  constructor(options: ContainerOptions = {}) {
    super(options.image || process.env['COS_EMU_IMAGE'] || 'cos-emu:latest');
    this.#options = options;
    const ready = Wait.forHttp('/_cos-emu/readyz', PORT, { abortOnContainerExit: true });
    this.withExposedPorts(PORT).withWaitStrategy(ready.forStatusCode(200).withReadTimeout(PAUSE));
  }

  /**
   * Starts the container.
   *
   * @throws {StartError} when it was made but does not become ready, with what it printed if it ended: an option or a
   *   scenario was wrong. What keeps it from being made, such as a missing image, is an error of Testcontainers.
   */
  override async start(): Promise<StartedCosEmuContainer> {
    this.#id = undefined;
    this.#published = false;
    const starting = super.start();
    const over = starting.then(() => true, () => true);
    // Testcontainers would wait ten seconds for the port of a container that has ended, leave it behind, and not say why.
    while (!(await Promise.race([over, delay(PAUSE, false)]))) {
      const output = await this.#lastWords();
      if (output !== undefined) {
        await over;
        throw new StartError('the container ended before it was ready', output);
      }
    }
    try {
      return new StartedCosEmuContainer(await starting, this.#options.controlToken);
    } catch (cause) {
      // By now Testcontainers sees an end by itself; its message has the last lines of the container.
      throw this.#published ? new StartError('the container did not become ready', (cause as Error).message) : cause;
    }
  }

  protected override async beforeContainerCreated(): Promise<void> {
    const { info } = await getContainerRuntimeClient();
    // The control API has to answer to the name of the engine's host, which may be another machine.
    const hosts = [this.#options.further?.['control-host'] ?? [], info.containerRuntime.host].flat();
    const further = { ...this.#options.further, 'control-host': hosts.map(String) };
    this.withEnvironment(environment({ ...this.#options, further }));
  }

  protected override async containerCreated(id: string): Promise<void> {
    this.#id = id;
  }

  protected override async containerStarting(): Promise<void> {
    this.#published = true;
  }

  /** What the container printed, if it ended before its port was published; it is removed then. */
  async #lastWords(): Promise<string | undefined> {
    if (this.#id === undefined || this.#published) {
      return undefined;
    }
    const { container: engine } = await getContainerRuntimeClient();
    const container = engine.getById(this.#id);
    const { State: state } = await engine.inspect(container);
    // It may have been published meanwhile, and is then looked after by Testcontainers.
    if (state.Status !== 'exited' || this.#published) {
      return undefined;
    }
    const output = await text(await engine.logs(container));
    await engine.remove(container);
    return output;
  }
}

/** A container that runs. `await using` stops and removes it at the end. */
export class StartedCosEmuContainer extends AbstractStartedContainer implements CosEmu {
  readonly #token: string | undefined;

  constructor(container: StartedTestContainer, token: string | undefined) {
    super(container);
    this.#token = token;
  }

  // Made anew each time, because a restart may publish another port.
  get client(): Client {
    return new Client(this.endpoint(), this.#token);
  }

  /**
   * The URL to point an SDK at: the published port. At the loopback address the engine hands an RST of the server on as
   * a FIN; {@link containerEndpoint} is the way around that.
   */
  endpoint(): string {
    return `http://${this.getHost()}:${this.getMappedPort(PORT)}`;
  }

  /**
   * The URL by the container's own address, where an RST of the server stays an RST. Only a machine that shares the
   * engine's network reaches it: a Linux one with the engine on it.
   */
  containerEndpoint(): string {
    const [network] = this.getNetworkNames();
    return `http://${this.getIpAddress(network!)}:${PORT}`;
  }

  proxy(): string {
    return this.endpoint();
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
}
