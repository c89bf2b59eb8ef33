import { readFileSync } from 'node:fs';

/** A credential that the server knows. */
export interface Credential {
  id: string;
  key: string;
  token?: string;
}

/** How a server starts, as a process or in a container. */
export interface ServerOptions {
  /** The name of a shipped scenario, such as `flaky`; without any of the three there are no faults. */
  scenario?: string;
  /** The path of a scenario file. */
  scenarioFile?: string | URL;
  /** The text of a scenario file, or a value that becomes that text as JSON. */
  scenarioJson?: string | object;
  /** The buckets that exist at the start, each `NAME-APPID` or `NAME-APPID@REGION`. */
  buckets?: string[];
  /** The vaults that exist at the start. */
  vaults?: string[];
  /** The credentials that are known; `AKIDcosemu` with `cosemu` by default. */
  credentials?: Credential[];
  /** The seed of all chance, below 2^64; a text may be `0x…`. */
  seed?: number | bigint | string;
  /** How strictly signatures are checked; `check` by default. */
  auth?: 'off' | 'check' | 'strict';
  /** What the control API wants as a token; the client sends it. */
  controlToken?: string;
  /** Any further option by its name on the command line: `{ 'max-memory': '64MiB', judge: true }`. */
  further?: Record<string, string | number | boolean | string[]>;
}

/** The client has to know these, so they are not free. */
const RESERVED = ['listen', 'control-listen', 'control-token', 'ready-file', 'exit-with-parent'];

/** The options as variables of the environment: `--max-memory` is `COS_EMU_MAX_MEMORY`. */
export function environment(options: ServerOptions): Record<string, string> {
  const values: Record<string, unknown> = {
    ...scenario(options),
    bucket: options.buckets,
    vault: options.vaults,
    credential: options.credentials?.map(({ id, key, token }) => [id, key, ...(token ? [token] : [])].join(':')),
    seed: options.seed,
    auth: options.auth,
    ...options.further,
  };
  const reserved = RESERVED.filter((name) => name in values);
  if (reserved.length > 0) {
    throw new TypeError(`the option ${reserved.join(', ')} is not free`);
  }
  values['control-token'] = options.controlToken;
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    // A list has commas between its values, as the server reads it; an empty one is none.
    const text = String(value ?? '');
    if (text !== '') {
      variables[`COS_EMU_${name.replaceAll('-', '_').toUpperCase()}`] = text;
    }
  }
  return variables;
}

/** The scenario always travels as a name or as text: a container cannot read a file of this machine. */
function scenario({ scenario, scenarioFile, scenarioJson }: ServerOptions): Record<string, string> {
  const given = [scenario, scenarioFile, scenarioJson].filter((value) => value !== undefined);
  if (given.length > 1) {
    throw new TypeError('only one of scenario, scenarioFile and scenarioJson can be given');
  }
  if (scenario !== undefined) {
    return { scenario };
  }
  if (scenarioFile !== undefined) {
    return { 'scenario-json': readFileSync(scenarioFile, 'utf8') };
  }
  if (scenarioJson !== undefined) {
    return { 'scenario-json': typeof scenarioJson === 'string' ? scenarioJson : JSON.stringify(scenarioJson) };
  }
  return {};
}
