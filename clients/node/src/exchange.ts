/** A rule of the scenario that an exchange met. */
export interface RuleRecord {
  id: string;
  /** `no-match` stands for the nearest rule that did not match. */
  outcome: 'fired' | 'not-due' | 'shadowed' | 'not-reached' | 'refused' | 'no-match';
  [field: string]: unknown;
}

/** A fault that took effect. */
export interface ActionRecord {
  /** Its name, such as `reset`. */
  action: string;
  /** When, such as `upload`. */
  at?: string;
  /** At which byte of the body. */
  offset?: number;
  /** What it did, in words. */
  effect: string;
  [field: string]: unknown;
}

/**
 * One request and what became of it: the entry of the journal as the server writes it, with the names that it has in
 * JSON. Fields that are not listed here are there all the same.
 */
export interface Exchange {
  /** The number of the entry, from 1. */
  n: number;
  /** The id of the world. */
  world: string;
  /** The number of the connection, from 1. */
  connection: number;
  /** The number of the request on its connection, from 1. */
  request: number;
  /** When the head was complete, by the clock of the world, in ISO 8601. */
  at: string;
  /** How long it took from then on, in milliseconds. */
  took_ms: number;
  service: 'cos' | 'cas';
  /** The operation, such as `UploadPart`; null when the request is none. */
  op: string | null;
  bucket: string | null;
  key: string | null;
  /** The id of the multipart upload. */
  upload: string | null;
  /** The part number, from 1. */
  part: number | null;
  vault: string | null;
  archive: string | null;
  job: string | null;
  /** `Range` or `Content-Range` as sent. */
  range: string | null;
  /** The access key id that signed. */
  client: string | null;
  /** The how-manieth attempt of the same request, from 1. */
  attempt: number;
  method: string;
  /** The host that the request names. */
  host: string;
  /** The path as sent. */
  path: string;
  /** The query as sent, without its question mark. */
  query: string;
  /** Names and values as sent. */
  headers: [name: string, value: string][];
  /** What arrived of the body: lengths in bytes. */
  received: { declared: number | null; bytes: number; sha256: string | null };
  /** The rules that matched. */
  rules: RuleRecord[];
  /** The faults that took effect, in order. */
  actions: ActionRecord[];
  /** Whether the store was changed as the request asked. */
  applied: boolean;
  /** What was answered; null when nothing was. `code` is that of an error, `bytes` is what was sent of the body. */
  answer: { status: number; code: string | null; bytes: number } | null;
  /** How the exchange ended, such as `keep-alive` or `reset`; null while it goes on. */
  ended: string | null;
  /** Remarks: what was left out, what was let pass. */
  notes: string[];
  [field: string]: unknown;
}

/** Which exchanges are meant: all that is given has to hold. */
export interface ExchangeFilter {
  op?: string;
  bucket?: string;
  key?: string;
  /** The id of a multipart upload. */
  upload?: string;
  part?: number;
  /** An access key id. */
  client?: string;
  /** The id of a rule that matched, or nearly did. */
  rule?: string;
  /** The status of the answer. */
  status?: number;
  /** What became of a rule. */
  outcome?: RuleRecord['outcome'];
  /** The first number of an entry. */
  from?: number;
  /** The most entries; 10,000 at most, which is the default. */
  limit?: number;
}
