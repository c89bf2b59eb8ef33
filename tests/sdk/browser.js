// The official browser SDK in Chromium against cos-emu and its CORS: node browser.js <url>.
//
// Serves browser.html and the SDK from one origin for each page. The buckets allow the first two, where everything has to work, and
// not the third, where it has to fail. Prints `ok`, or the expectation that failed. CHROMIUM names the browser when it is not
// `chromium`.
//
// The SDK reaches the emulator in two ways: by its option `Domain`, which names no bucket, so that the emulator's default bucket is
// meant; and by the service's own host names, which the browser is told to look for at the emulator. Path style is refused by the
// SDK, and with `Domain: '<address>/{Bucket}'` it signs another path than it sends.
'use strict';

for (const name of Object.keys(process.env)) if (/^(https?|all|no)_proxy$/i.test(name)) delete process.env[name];

const { spawn } = require('child_process');
const { once } = require('events');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const COS = require('cos-nodejs-sdk-v5');

const PATIENCE_MS = 60000;
const url = process.argv[2];
const { host } = new URL(url);
const keys = { SecretId: 'AKIDcosemu', SecretKey: 'cosemu' };
const Region = 'ap-guangzhou';
const byDomain = { Bucket: 'demo-1250000000', Region };
const byHost = { Bucket: 'browser-cors-1250000000', Region };
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cos-emu-browser-'));
const sdk = path.join(path.dirname(require.resolve('cos-js-sdk-v5/package.json')), 'dist', 'cos-js-sdk-v5.min.js');

function check(condition, what) {
  if (!condition) throw new Error(`failed: ${what}`);
}

/** What an application's own server gives a page that may post a form below `form/`. */
function signedForm(at) {
  const now = Math.floor(Date.now() / 1000);
  const keyTime = `${now - 60};${now + 600}`;
  const policy = JSON.stringify({
    expiration: new Date((now + 600) * 1000).toISOString(),
    conditions: [
      { bucket: at.Bucket },
      ['starts-with', '$key', 'form/'],
      ['content-length-range', 1, 1000],
      { 'q-sign-algorithm': 'sha1' },
      { 'q-ak': keys.SecretId },
      { 'q-sign-time': keyTime },
    ],
  });
  const hmac = (key, text) => crypto.createHmac('sha1', key).update(text).digest('hex');
  const signature = hmac(hmac(keys.SecretKey, keyTime), crypto.createHash('sha1').update(policy).digest('hex'));
  return {
    policy: Buffer.from(policy).toString('base64'),
    'q-sign-algorithm': 'sha1',
    'q-ak': keys.SecretId,
    'q-key-time': keyTime,
    'q-signature': signature,
  };
}

/** An origin of its own. It sends the page on to `next` when the page has said its result, which it emits. */
async function serve(allowed, at, Domain, next) {
  const settings = {
    allowed,
    at,
    client: { ...keys, Protocol: 'http:', Domain },
    bucketUrl: `http://${Domain || `${at.Bucket}.cos.${Region}.myqcloud.com`}/`,
    form: signedForm(at),
  };
  const server = http.createServer((request, response) => {
    const send = (type, body) => response.writeHead(200, { 'Content-Type': type }).end(body);
    if (request.url === '/') send('text/html', fs.readFileSync(path.join(__dirname, 'browser.html')));
    else if (request.url === '/sdk.js') send('text/javascript', fs.readFileSync(sdk));
    else if (request.url === '/settings') send('application/json', JSON.stringify(settings));
    else if (request.url === '/result') {
      let text = '';
      request.on('data', (chunk) => (text += chunk));
      request.on('end', () => {
        send('application/json', JSON.stringify({ next }));
        server.emit('result', text);
      });
    } else response.writeHead(404).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  server.origin = `http://127.0.0.1:${server.address().port}`;
  return server;
}

function startBrowser(address) {
  const options = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--no-proxy-server',
    '--disable-background-networking', `--user-data-dir=${folder}`, `--host-resolver-rules=MAP *.myqcloud.com ${host}`];
  const browser = spawn(process.env.CHROMIUM || 'chromium', [...options, address], { stdio: 'ignore' });
  browser.ended = new Promise((resolve, reject) => browser.on('exit', resolve).on('error', reject));
  return browser;
}

/** The result that the page of a server says, unless the browser ends or takes too long. */
async function resultOf(server, browser, what) {
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, PATIENCE_MS, 'the page says nothing')));
  const gone = browser.ended.then(() => 'the browser has ended');
  const result = await Promise.race([once(server, 'result').then(([text]) => text), late, gone]);
  clearTimeout(timer);
  check(result === 'ok', `${what}: ${result}`);
}

/** What only the emulator has seen: what the browser asked for beforehand, and that nothing came of what was not allowed. */
async function checkJournal({ Bucket }, allowedOrigin, forbiddenOrigin) {
  const response = await fetch(`${url}/_cos-emu/v1/scenarios/default/journal?bucket=${Bucket}`);
  const { exchanges } = await response.json();
  const isFrom = (origin) => ([name, value]) => name === 'origin' && value === origin;
  const of = (op, origin) => exchanges.filter((exchange) => exchange.op === op && exchange.headers.some(isFrom(origin)));
  const statuses = (found) => [...new Set(found.map((exchange) => exchange.answer.status))].join();
  check(statuses(of('OptionsObject', allowedOrigin)) === '200', 'the browser asks beforehand, and is allowed');
  check(of('PutObject', allowedOrigin).length === 1, 'the allowed page puts its object');
  const parts = of('UploadPart', allowedOrigin).filter((exchange) => exchange.key === 'resumed').map((exchange) => exchange.part);
  check(parts.sort().join() === '1,2,3,4,5', `the parts of a resumed upload are sent once: ${parts}`);
  if (!forbiddenOrigin) return;
  check(statuses(of('OptionsObject', forbiddenOrigin)) === '403', 'the browser asks beforehand, and is refused');
  check(of('PutObject', forbiddenOrigin).length === 0, 'the forbidden page puts nothing');
}

async function allow(cos, at, origin) {
  await cos.putBucketCors({
    ...at,
    CORSRules: [{
      AllowedOrigins: [origin],
      AllowedMethods: ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'],
      AllowedHeaders: ['*'],
      ExposeHeaders: ['ETag', 'Content-Length', 'Content-Range', 'Date', 'x-cos-request-id', 'x-cos-meta-colour'],
      MaxAgeSeconds: '600',
    }],
  });
}

async function main() {
  const forbidden = await serve(false, byDomain, host, null);
  const second = await serve(true, byHost, undefined, `${forbidden.origin}/`);
  const first = await serve(true, byDomain, host, `${second.origin}/`);
  const cos = new COS({ ...keys, Protocol: 'http:', Ip: host, ConfCwd: folder });
  await cos.putBucket(byHost);
  await allow(cos, byDomain, first.origin);
  await allow(cos, byHost, second.origin);
  const browser = startBrowser(`${first.origin}/`);
  try {
    await resultOf(first, browser, 'the page that uses Domain');
    await resultOf(second, browser, 'the page that uses the host names of the service');
    await resultOf(forbidden, browser, 'the forbidden page');
  } finally {
    browser.kill('SIGTERM');
    await browser.ended;
    for (const server of [first, second, forbidden]) {
      server.closeAllConnections();
      server.close();
    }
  }
  await checkJournal(byDomain, first.origin, forbidden.origin);
  await checkJournal(byHost, second.origin);
  console.log('ok');
}

main()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => fs.rmSync(folder, { recursive: true, maxRetries: 5, retryDelay: 100 }));
