import assert from 'node:assert/strict';

import type { CosEmu } from './server.js';
import type { World } from './world.js';

/** What is needed of the context of `node:test`. */
interface TestContext {
  after(hook: () => Promise<void>): void;
}

/**
 * A world for one test of `node:test`, which is deleted when the test is over.
 *
 * @param t the context of the test
 * @param server whose world it is, a server or a client
 * @param scenario the text of a scenario file, or a value that becomes that text as JSON
 * @param options with `verdict: true` the test fails when the verdict at its end does not hold
 */
export async function testWorld(
  t: TestContext,
  server: Pick<CosEmu, 'create'>,
  scenario: string | object,
  { verdict = false } = {},
): Promise<World> {
  const world = await server.create(scenario);
  t.after(async () => {
    const last = await world.delete();
    assert.ok(last.holds || !verdict, String(last));
  });
  return world;
}
