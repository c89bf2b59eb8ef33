import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { noContainers } from './support.js';

const run = promisify(execFile);
const root = new URL('../../', import.meta.url);
const withoutContainers = await noContainers(process.env['COS_EMU_IMAGE'] || 'cos-emu:latest');
const readme = await readFile(new URL('README.md', root), 'utf8');
const examples = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code!);

test('the package has the compiled code with its types, and nothing else', async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root });
  const paths: string[] = [JSON.parse(stdout)].flat()[0].files.map(({ path }: { path: string }) => path);
  for (const path of ['dist/index.js', 'dist/index.d.ts', 'dist/testcontainers.js', 'dist/testcontainers.d.ts', 'README.md']) {
    assert.ok(paths.includes(path), path);
  }
  assert.deepEqual(paths.filter((path) => !/^(dist\/[a-z-]+(\.d\.ts|\.js)|package\.json|README\.md)$/.test(path)), []);
});

// Each example is a program of its own, and runs as it stands.
for (const [index, code] of examples.entries()) {
  const skip = code.includes('/testcontainers') && withoutContainers;
  test(`example ${index + 1} of the README runs`, { skip }, async () => {
    const file = new URL(`build/readme/example-${index + 1}.mjs`, root);
    await mkdir(new URL('.', file), { recursive: true });
    await writeFile(file, code);
    // Otherwise it would report to this run, not by its status.
    const { NODE_TEST_CONTEXT, ...env } = process.env;
    await run(process.execPath, [file.pathname], { env });
  });
}
