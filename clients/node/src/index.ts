/**
 * The control client of cos-emu, and the binary as a process. The container is in `cos-emu/testcontainers`.
 *
 * @module
 */
export { Client } from './client.js';
export { CosEmuError, ProblemError, StartError, type Mistake } from './errors.js';
export type { ActionRecord, Exchange, ExchangeFilter, RuleRecord } from './exchange.js';
export type { Credential, ServerOptions } from './options.js';
export { CosEmuProcess, type ProcessOptions } from './process.js';
export type { CosEmu } from './server.js';
export { testWorld } from './test-world.js';
export { Verdict, type VerdictCase } from './verdict.js';
export { World, type AccessKey, type Clock, type ClockReading, type Count, type Counts, type Duration } from './world.js';
