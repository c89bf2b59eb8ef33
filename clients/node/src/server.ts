import type { Client } from './client.js';
import type { World } from './world.js';

/** A server that runs, as a process or in a container. */
export interface CosEmu extends AsyncDisposable {
  /** Speaks to its control API. */
  readonly client: Client;
  /** The URL to point an SDK at. */
  endpoint(): string;
  /** The URL to use as the proxy for http and https; it is the same. */
  proxy(): string;
  /** The certificate, in PEM, of the CA that signs for TLS; {@link Client.saveCa} writes it to a file. */
  ca(): Promise<string>;
  /** The world of its own scenario, with journal, verdict and reset. */
  defaultWorld(): Promise<World>;
  /** Makes a world: {@link Client.create}. */
  create(scenario: string | object): Promise<World>;
}
