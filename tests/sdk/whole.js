// Everything that the official Node SDK offers, against cos-emu: node whole.js <url>.
//
// Each step works in a bucket of its own, `node-<step>-1250000000`; requests reach the emulator as their proxy, so that they bear
// the service's own host names. Prints `ok`, or the expectation that failed.
//
// What this SDK has no call for: symbolic links, object lock, retention and intelligent tiering (sent by its generic `request`),
// deletion of a referer list (put as disabled instead), resumption of a download (ranges are read instead).
'use strict';

for (const name of Object.keys(process.env)) if (/^(https?|all|no)_proxy$/i.test(name)) delete process.env[name];

const { fork } = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const { isDeepStrictEqual, inspect } = require('util');
const COS = require('cos-nodejs-sdk-v5');

const MIB = 1024 * 1024;
const APPID = '1250000000';
const OWNER = '100000000001';
const Region = 'ap-guangzhou';
const url = process.argv[2];
const isChild = process.argv[3] === 'upload';
const folder = isChild ? null : fs.mkdtempSync(path.join(os.tmpdir(), 'cos-emu-'));

const keys = { SecretId: 'AKIDcosemu', SecretKey: 'cosemu' };
const client = (options) => new COS({ ...keys, Protocol: 'http:', Timeout: 20000, Proxy: url, ConfCwd: folder, ...options });
const cos = client();

function check(condition, what) {
  if (!condition) throw new Error(`failed: ${what}`);
}

function same(actual, expected, what) {
  const [found, wanted] = [actual, expected].map((value) => inspect(value, { depth: 9 }));
  check(isDeepStrictEqual(actual, expected), `${what}: ${found} instead of ${wanted}`);
}

/** Expects an error of the service, and returns it. */
async function fails(action, statusCode, code, what) {
  const error = await action().then(
    () => check(false, `${what} succeeded, but should have failed with ${code}`),
    (error) => error,
  );
  same([error.statusCode, error.code], [statusCode, code], `${what} (${error.message})`);
  return error;
}

/** A bucket of its own, as the parameters that every call takes. */
async function bucketFor(step) {
  const at = { Bucket: `node-${step}-${APPID}`, Region };
  await cos.putBucket(at);
  return at;
}

function bytesOf(size) {
  const block = crypto.createHash('sha512').update(String(size)).digest();
  return Buffer.concat(Array(Math.ceil(size / block.length)).fill(block)).subarray(0, size);
}

function fileOf(size) {
  const file = path.join(folder, `file-${size}.bin`);
  fs.writeFileSync(file, bytesOf(size));
  return file;
}

async function holds(at, Key, content, what) {
  check((await cos.getObject({ ...at, Key })).Body.equals(Buffer.from(content)), `${what}: the content of ${Key}`);
}

const md5 = (content) => crypto.createHash('md5').update(content).digest();
const etagOf = (content) => `"${md5(content).toString('hex')}"`;
const hostOf = (at) => `${at.Bucket}.cos.${Region}.myqcloud.com`;

/** A plain HTTP request without any SDK; the address names the host, the emulator gets the request. */
function plain(method, address, { body, headers } = {}) {
  const { host, pathname, search } = new URL(address);
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const options = { hostname, port, method, path: pathname + search, headers: { Host: host, ...headers } };
    const request = http.request(options, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

function refused(answer, status, code, what) {
  const found = /<Code>(.*)<\/Code>/.exec(answer.body.toString());
  same([answer.status, found && found[1]], [status, code], what);
}

const signedUrl = (params, from = cos) =>
  new Promise((resolve, reject) => from.getObjectUrl(params, (error, data) => (error ? reject(error) : resolve(data.Url))));

/** What the emulator's journal says of an operation on a key. */
async function journal(op, key) {
  const address = `${url}/_cos-emu/v1/scenarios/default/journal?op=${op}&key=${encodeURIComponent(key)}`;
  return JSON.parse((await plain('GET', address)).body).exchanges;
}

async function inParallel(items, width, action) {
  const left = items.values();
  await Promise.all(Array.from({ length: width }, async () => {
    for (const item of left) await action(item);
  }));
}

async function buckets() {
  const at = await bucketFor('buckets');
  await fails(() => cos.putBucket(at), 409, 'BucketAlreadyOwnedByYou', 'the same bucket again');
  same((await cos.headBucket(at)).statusCode, 200, 'headBucket');
  const listed = (await cos.getService()).Buckets.find((bucket) => bucket.Name === at.Bucket);
  same([listed && listed.Location, listed && !isNaN(Date.parse(listed.CreationDate))], [Region, true], 'getService');
  same((await cos.getService({ Region: 'ap-beijing' })).Buckets.length, 0, 'getService of another region');
  same((await cos.getBucketLocation(at)).LocationConstraint, Region, 'getBucketLocation');
  await cos.putObject({ ...at, Key: 'in the way', Body: 'x' });
  await fails(() => cos.deleteBucket(at), 409, 'BucketNotEmpty', 'deleteBucket of a bucket with an object');
  await cos.deleteObject({ ...at, Key: 'in the way' });
  same((await cos.deleteBucket(at)).statusCode, 204, 'deleteBucket');
  await fails(() => cos.headBucket(at), 404, '404', 'headBucket of a bucket that is gone');
  await fails(() => cos.getBucket(at), 404, 'NoSuchBucket', 'getBucket of a bucket that is gone');
}

async function onePiece() {
  const at = await bucketFor('piece');
  const content = bytesOf(100000);
  const Key = 'folder/文件 one+two&three%.txt';
  const put = await cos.putObject({
    ...at,
    Key,
    Body: content,
    ContentType: 'text/x-own',
    CacheControl: 'max-age=7200',
    ContentDisposition: 'attachment; filename="a.txt"',
    ContentEncoding: 'identity',
    Expires: 'Thu, 01 Jan 2037 00:00:00 GMT',
    'x-cos-meta-colour': 'blue',
    onProgress: () => {},
  });
  same(put.ETag, etagOf(content), 'the ETag of putObject');
  check(put.Location.startsWith(hostOf(at)) && put.RequestId, 'Location and RequestId of putObject');
  const { headers } = await cos.headObject({ ...at, Key });
  const names = ['etag', 'content-length', 'content-type', 'cache-control', 'content-disposition', 'content-encoding', 'expires'];
  same(
    [...names, 'x-cos-meta-colour'].map((name) => headers[name]),
    [etagOf(content), '100000', 'text/x-own', 'max-age=7200', 'attachment; filename="a.txt"', 'identity',
      'Thu, 01 Jan 2037 00:00:00 GMT', 'blue'],
    'the headers of headObject',
  );
  await holds(at, Key, content, 'putObject');

  const range = await cos.getObject({ ...at, Key, Range: 'bytes=10-19' });
  same([range.statusCode, range.headers['content-range'], range.Body.equals(content.subarray(10, 20))],
    [206, 'bytes 10-19/100000', true], 'a range');
  await fails(() => cos.getObject({ ...at, Key, Range: 'bytes=200000-' }), 416, 'InvalidRange', 'a range beyond the end');
  const overridden = await cos.getObject({ ...at, Key, ResponseContentType: 'image/x-none', ResponseCacheControl: 'no-store' });
  same([overridden.headers['content-type'], overridden.headers['cache-control']], ['image/x-none', 'no-store'], 'response-*');
  const since = await cos.getObject({ ...at, Key, IfModifiedSince: new Date(Date.now() + 1000).toUTCString() });
  same(since.NotModified, true, 'If-Modified-Since');
  await fails(() => cos.getObject({ ...at, Key, IfMatch: '"other"' }), 412, 'PreconditionFailed', 'If-Match');
  await fails(() => cos.getObject({ ...at, Key, IfNoneMatch: put.ETag }), 304, '304', 'If-None-Match');

  const Output = path.join(folder, 'output');
  await cos.getObject({ ...at, Key, Output });
  check(fs.readFileSync(Output).equals(content), 'getObject into a file');
  const chunks = [];
  for await (const chunk of cos.getObjectStream({ ...at, Key }, () => {})) chunks.push(chunk);
  check(Buffer.concat(chunks).equals(content), 'getObjectStream');

  const file = fileOf(30000);
  await cos.putObject({ ...at, Key: 'stream', Body: fs.createReadStream(file) });
  await holds(at, 'stream', bytesOf(30000), 'a stream of unknown length');
  await cos.uploadFile({ ...at, Key: 'small', FilePath: file });
  await holds(at, 'small', bytesOf(30000), 'uploadFile of a small file');
  await cos.putObject({ ...at, Key: 'empty', Body: '' });
  await holds(at, 'empty', '', 'an empty object');
  const files = ['first', 'second'].map((name) => ({ ...at, Key: `files/${name}`, FilePath: file }));
  const results = (await cos.uploadFiles({ files, SliceSize: MIB })).files;
  same(results.map((result) => result.error), [null, null], 'uploadFiles');

  await client({ UploadCheckContentMd5: true }).putObject({ ...at, Key: 'checked', Body: '中文' });
  await holds(at, 'checked', '中文', 'an upload with Content-MD5');
  const ContentMD5 = md5('other').toString('base64');
  await fails(() => cos.putObject({ ...at, Key: 'wrong', Body: 'x', ContentMD5 }), 400, 'BadDigest', 'a wrong Content-MD5');
  const again = { ...at, Key: 'empty', Body: 'x', 'x-cos-forbid-overwrite': 'true' };
  await fails(() => cos.putObject(again), 409, 'FileAlreadyExists', 'x-cos-forbid-overwrite');
}

async function inParts() {
  const at = await bucketFor('parts');
  const size = 5 * MIB + 7;
  const content = bytesOf(size);
  const FilePath = fileOf(size);
  const done = await cos.sliceUploadFile({ ...at, Key: 'sliced.bin', FilePath, 'x-cos-meta-made': 'in parts' });
  check(/^"[0-9a-f]{32}-6"$/.test(done.ETag) && done.UploadId, `sliceUploadFile: ${done.ETag}`);
  const { headers } = await cos.headObject({ ...at, Key: 'sliced.bin' });
  same([headers.etag, headers['x-cos-meta-made']], [done.ETag, 'in parts'], 'headObject of an object made of parts');
  await holds(at, 'sliced.bin', content, 'sliceUploadFile');
  const copy = path.join(folder, 'download');
  await cos.downloadFile({ ...at, Key: 'sliced.bin', FilePath: copy, ChunkSize: MIB, ParallelLimit: 3 });
  check(fs.readFileSync(copy).equals(content), 'downloadFile');
  const ranges = (await journal('GetObject', 'sliced.bin')).filter((exchange) => exchange.answer.status === 206);
  same(ranges.length, 6, 'the ranges that downloadFile reads');

  const Key = 'by/hand';
  const { UploadId } = await cos.multipartInit({ ...at, Key, ContentType: 'text/x-parts' });
  const Parts = [];
  for (const [index, Body] of [content.subarray(0, MIB), content.subarray(MIB, MIB + 10)].entries()) {
    const { ETag } = await cos.multipartUpload({ ...at, Key, UploadId, PartNumber: index + 1, Body });
    same(ETag, etagOf(Body), 'the ETag of a part');
    Parts.push({ PartNumber: String(index + 1), ETag });
  }
  const page = await cos.multipartListPart({ ...at, Key, UploadId, MaxParts: 1 });
  same([page.IsTruncated, page.NextPartNumberMarker, page.Part.length], ['true', '1', 1], 'the first page of parts');
  const rest = await cos.multipartListPart({ ...at, Key, UploadId, PartNumberMarker: page.NextPartNumberMarker });
  same([...page.Part, ...rest.Part].map(({ PartNumber, ETag }) => ({ PartNumber, ETag })), Parts, 'multipartListPart');
  same([...page.Part, ...rest.Part].map((part) => part.Size), [String(MIB), '10'], 'the sizes of multipartListPart');
  const uploads = await cos.multipartList({ ...at, Prefix: 'by/' });
  same(uploads.Upload.map((upload) => [upload.Key, upload.UploadId]), [[Key, UploadId]], 'multipartList');
  const wrong = [Parts[0], { PartNumber: '2', ETag: etagOf('other') }];
  await fails(() => cos.multipartComplete({ ...at, Key, UploadId, Parts: wrong }), 400, 'InvalidPart', 'a wrong part');
  const completed = await cos.multipartComplete({ ...at, Key, UploadId, Parts });
  same([completed.Key, completed.Bucket, completed.Location], [Key, at.Bucket, `${hostOf(at)}/${Key}`], 'multipartComplete');
  await holds(at, Key, content.subarray(0, MIB + 10), 'multipartComplete');

  const first = await cos.multipartInit({ ...at, Key: 'abandoned' });
  await cos.multipartAbort({ ...at, Key: 'abandoned', UploadId: first.UploadId });
  const late = { ...at, Key: 'abandoned', UploadId: first.UploadId, PartNumber: 1, Body: 'x' };
  await fails(() => cos.multipartUpload(late), 404, 'NoSuchUpload', 'a part of an upload that is gone');
  for (const name of ['one', 'two']) await cos.multipartInit({ ...at, Key: name });
  const aborted = await cos.abortUploadTask({ ...at, Level: 'bucket' });
  same([aborted.successList.map((task) => task.Key), aborted.errorList], [['one', 'two'], []], 'abortUploadTask of a bucket');
  same((await cos.multipartList(at)).Upload, [], 'no upload is left');
}

/** An upload in a process of its own, which kills itself before the given part; resolves when that process has ended. */
function uploadInChild(at, Key, FilePath, ConfCwd, stopBefore, TrafficLimit) {
  const task = JSON.stringify({ params: { ...at, Key, FilePath, TrafficLimit }, ConfCwd, stopBefore });
  return new Promise((resolve) => fork(__filename, [url, 'upload', task]).on('exit', (code, signal) => resolve(signal || code)));
}

/** What runs in the child. */
async function uploadAndDie({ params, ConfCwd, stopBefore }) {
  const uploader = client({ ConfCwd, ChunkParallelLimit: 1 });
  uploader.on('before-send', (request) => {
    if (Number((request.qs || {}).partNumber) === stopBefore) process.kill(process.pid, 'SIGKILL');
  });
  await uploader.sliceUploadFile(params);
}

async function partsSent(key) {
  return (await journal('UploadPart', key)).filter((exchange) => exchange.answer.status === 200).map((exchange) => exchange.part);
}

async function resumed() {
  const at = await bucketFor('resumed');
  const size = 6 * MIB;
  const FilePath = fileOf(size);
  const everyPartOnce = [1, 2, 3, 4, 5, 6];

  // Without a memory of its own the SDK finds the upload in the bucket, and compares the hashes of its parts with the file.
  const memories = ['first', 'second', 'third'].map((name) => path.join(folder, name));
  same(await uploadInChild(at, 'found', FilePath, memories[0], 4), 'SIGKILL', 'the upload is killed');
  same(await partsSent('found'), [1, 2, 3], 'the parts before the kill');
  same(await uploadInChild(at, 'found', FilePath, memories[1]), 0, 'the second upload');
  same((await partsSent('found')).sort(), everyPartOnce, 'every part is sent once');
  await holds(at, 'found', bytesOf(size), 'an upload that was found again');

  // The SDK writes its memory after 400 ms: the parts before the kill have to take longer, half a second each.
  const started = Date.now();
  same(await uploadInChild(at, 'remembered', FilePath, memories[2], 3, 16 * MIB), 'SIGKILL', 'the slow upload is killed');
  check(Date.now() - started >= 900, 'x-cos-traffic-limit paces');
  const { UploadId } = (await cos.multipartList({ ...at, Prefix: 'remembered' })).Upload[0];
  const remembered = fs.readdirSync(memories[2]).map((name) => fs.readFileSync(path.join(memories[2], name), 'utf8'));
  check(remembered.some((text) => text.includes(UploadId)), 'the SDK remembers the upload');
  same(await uploadInChild(at, 'remembered', FilePath, memories[2]), 0, 'the second upload with a memory');
  same((await partsSent('remembered')).sort(), everyPartOnce, 'every part is sent once, with a memory');
  await holds(at, 'remembered', bytesOf(size), 'an upload that was remembered');

  await pausedAndRestarted(at, FilePath);
  await holds(at, 'paused', bytesOf(size), 'an upload that was paused');
  same([...new Set(await partsSent('paused'))].sort(), everyPartOnce, 'a paused upload sends every part');
  check((await partsSent('paused')).length <= 7, 'at most the part that was under way is sent again');
}

/** Pauses an upload when its third part is about to be sent, and restarts it. */
function pausedAndRestarted(at, FilePath) {
  const uploader = client({ ChunkParallelLimit: 1 });
  return new Promise((resolve, reject) => {
    let task;
    let paused = false;
    uploader.on('before-send', (request) => {
      if (paused || Number((request.qs || {}).partNumber) !== 3) return;
      paused = true;
      setImmediate(() => {
        uploader.pauseTask(task);
        setTimeout(() => uploader.restartTask(task), 100);
      });
    });
    const onTaskReady = (id) => (task = id);
    uploader.sliceUploadFile({ ...at, Key: 'paused', FilePath, onTaskReady }, (error) => (error ? reject(error) : resolve()));
  });
}

async function copies() {
  const at = await bucketFor('copies');
  const size = 5 * MIB;
  const CopySource = `${hostOf(at)}/source%20%E4%B8%AD.bin`;
  const metadata = { ContentType: 'text/x-src', 'x-cos-meta-a': 'b' };
  await cos.sliceUploadFile({ ...at, Key: 'source 中.bin', FilePath: fileOf(size), ...metadata });
  const copied = await cos.putObjectCopy({ ...at, Key: 'copy', CopySource });
  check(copied.ETag && !isNaN(Date.parse(copied.LastModified)), 'the result of putObjectCopy');
  await holds(at, 'copy', bytesOf(size), 'putObjectCopy');
  const head = await cos.headObject({ ...at, Key: 'copy' });
  same([head.headers['content-type'], head.headers['x-cos-meta-a']], ['text/x-src', 'b'], 'a copy keeps its metadata');
  await cos.putObjectCopy({ ...at, Key: 'replaced', CopySource, MetadataDirective: 'Replaced', 'x-cos-meta-a': 'c' });
  same((await cos.headObject({ ...at, Key: 'replaced' })).headers['x-cos-meta-a'], 'c', 'a copy with other metadata');

  await cos.sliceCopyFile({ ...at, Key: 'in parts', CopySource, CopySliceSize: MIB, CopyChunkSize: 2 * MIB });
  await holds(at, 'in parts', bytesOf(size), 'sliceCopyFile');
  same((await cos.headObject({ ...at, Key: 'in parts' })).headers['x-cos-meta-a'], 'b', 'sliceCopyFile keeps the metadata');
  same((await journal('UploadPartCopy', 'in parts')).length, 3, 'the parts of sliceCopyFile');

  const missing = { ...at, Key: 'x', CopySource: `${hostOf(at)}/missing` };
  await fails(() => cos.putObjectCopy(missing), 404, 'NoSuchCopySource', 'a copy of nothing');
  const unmet = { ...at, Key: 'x', CopySource, CopySourceIfMatch: '"other"' };
  await fails(() => cos.putObjectCopy(unmet), 412, 'PreconditionFailed', 'a copy under a condition');
}

async function listing() {
  const at = await bucketFor('listing');
  const names = Array.from({ length: 2500 }, (_, index) => `many/${String(index).padStart(4, '0')}`);
  // The queue of uploads of the SDK is passed by: it is made for a few files.
  await inParallel(names, 16, (Key) => cos.putObject({ ...at, Key, Body: '', SkipTask: true }));
  const pages = [];
  for (let page = { IsTruncated: 'true' }; page.IsTruncated === 'true'; pages.push(page)) {
    page = await cos.getBucket({ ...at, Marker: page.NextMarker });
  }
  same(pages.map((page) => page.Contents.length), [1000, 1000, 500], 'the pages');
  same(pages.flatMap((page) => page.Contents).map((entry) => entry.Key), names, 'the keys of all pages');
  const { ETag, Size, StorageClass, Owner } = pages[0].Contents[0];
  same([ETag, Size, StorageClass, Owner.ID], [etagOf(''), '0', 'STANDARD', APPID], 'an entry');

  const odd = ['a <&> "b" \'c\'.txt', 'a b+%25.txt', 'a/1', 'a/2', 'a/sub/3', 'b/4', ' blank ', '中文/5'];
  for (const Key of odd) await cos.putObject({ ...at, Key, Body: Key });
  const top = await cos.getBucket({ ...at, Delimiter: '/' });
  same(top.CommonPrefixes.map((entry) => entry.Prefix), ['a/', 'b/', 'many/', '中文/'], 'the prefixes');
  same(top.Contents.map((entry) => entry.Key), [' blank ', 'a <&> "b" \'c\'.txt', 'a b+%25.txt'], 'the keys beside the prefixes');
  const below = await cos.getBucket({ ...at, Prefix: 'a/', Delimiter: '/' });
  same([below.CommonPrefixes, below.Contents.map((entry) => entry.Key)], [[{ Prefix: 'a/sub/' }], ['a/1', 'a/2']], 'below a prefix');
  const encoded = await cos.getBucket({ ...at, Prefix: 'a b', EncodingType: 'url' });
  same(encoded.Contents[0].Key, 'a%20b%2B%2525.txt', 'an encoded key');
  same((await cos.getBucket({ ...at, Prefix: 'none' })).Contents, [], 'an empty listing');
  for (const Key of odd) await holds(at, Key, Key, 'an odd key');

  const Objects = [...names.slice(0, 999), 'absent'].map((Key) => ({ Key }));
  const removed = await cos.deleteMultipleObject({ ...at, Objects });
  same([removed.Deleted.length, removed.Error], [1000, []], 'deleteMultipleObject');
  same((await cos.deleteMultipleObject({ ...at, Objects: [{ Key: odd[0] }], Quiet: true })).Deleted, [], 'a quiet deletion');
  const left = await cos.getBucket({ ...at, Prefix: 'many/', MaxKeys: 1 });
  same(left.Contents[0].Key, names[999], 'what is left');
}

async function versions() {
  const at = await bucketFor('versions');
  same((await cos.getBucketVersioning(at)).VersioningConfiguration, {}, 'versioning that was never set');
  await cos.putObject({ ...at, Key: 'key', Body: 'zero' });
  await cos.putBucketVersioning({ ...at, VersioningConfiguration: { Status: 'Enabled' } });
  same((await cos.getBucketVersioning(at)).VersioningConfiguration, { Status: 'Enabled' }, 'versioning');
  const one = await cos.putObject({ ...at, Key: 'key', Body: 'one' });
  const two = await cos.putObject({ ...at, Key: 'key', Body: 'two' });
  check(one.VersionId && two.VersionId && one.VersionId !== two.VersionId, 'each version has an id');
  await holds(at, 'key', 'two', 'the latest version');
  same((await cos.getObject({ ...at, Key: 'key', VersionId: one.VersionId })).Body.toString(), 'one', 'an old version');
  same((await cos.getObject({ ...at, Key: 'key', VersionId: 'null' })).Body.toString(), 'zero', 'the version before versioning');
  same((await cos.headObject({ ...at, Key: 'key', VersionId: one.VersionId })).VersionId, one.VersionId, 'headObject of a version');

  const deleted = await cos.deleteObject({ ...at, Key: 'key' });
  await fails(() => cos.getObject({ ...at, Key: 'key' }), 404, 'NoSuchKey', 'a deleted key');
  const marked = await fails(() => cos.headObject({ ...at, Key: 'key' }), 404, '404', 'headObject of a deleted key');
  same(marked.DeleteMarker, 'true', 'the error names the delete marker');
  const list = await cos.listObjectVersions(at);
  same(list.Versions.map((version) => [version.VersionId, version.IsLatest]),
    [[two.VersionId, 'false'], [one.VersionId, 'false'], ['null', 'false']], 'listObjectVersions');
  const [marker] = list.DeleteMarkers;
  same([list.DeleteMarkers.length, marker.Key, marker.IsLatest], [1, 'key', 'true'], 'the delete marker');
  same(deleted.headers['x-cos-version-id'], marker.VersionId, 'deleteObject names its marker');
  same(deleted.headers['x-cos-delete-marker'], 'true', 'deleteObject makes a marker');

  await cos.putObjectCopy({ ...at, Key: 'copy', CopySource: `${hostOf(at)}/key?versionId=${one.VersionId}` });
  await holds(at, 'copy', 'one', 'a copy of a version');
  await cos.deleteObject({ ...at, Key: 'key', VersionId: marker.VersionId });
  await holds(at, 'key', 'two', 'the key without its marker');
  const Objects = [{ Key: 'key', VersionId: two.VersionId }, { Key: 'key', VersionId: 'null' }];
  same((await cos.deleteMultipleObject({ ...at, Objects })).Deleted.map(({ Key, VersionId }) => ({ Key, VersionId })), Objects,
    'deleteMultipleObject of versions');
  await holds(at, 'key', 'one', 'the version that is left');
  await fails(() => cos.getObject({ ...at, Key: 'key', VersionId: two.VersionId }), 404, 'NoSuchVersion', 'a deleted version');
  await cos.putBucketVersioning({ ...at, VersioningConfiguration: { Status: 'Suspended' } });
  same((await cos.getBucketVersioning(at)).VersioningConfiguration, { Status: 'Suspended' }, 'suspended versioning');

  const first = await cos.listObjectVersions({ ...at, MaxKeys: 1 });
  same([first.IsTruncated, first.Versions[0].Key], ['true', 'copy'], 'the first page of versions');
  const next = { KeyMarker: first.NextKeyMarker, VersionIdMarker: first.NextVersionIdMarker };
  same((await cos.listObjectVersions({ ...at, ...next })).Versions.map((version) => version.VersionId), [one.VersionId],
    'the next page of versions');
}

async function presigned() {
  const at = await bucketFor('presigned');
  const Key = 'folder/signed 中.txt';
  const put = await plain('PUT', await signedUrl({ ...at, Key, Method: 'PUT', Sign: true }), { body: 'signed' });
  same([put.status, put.headers.etag], [200, etagOf('signed')], 'a presigned PUT');
  const get = await plain('GET', await signedUrl({ ...at, Key }));
  same([get.status, get.body.toString()], [200, 'signed'], 'a presigned GET');
  same((await plain('GET', cos.getObjectUrl({ ...at, Key }, () => {}))).body.toString(), 'signed', 'a URL that is returned at once');
  const disposition = await plain('GET', await signedUrl({ ...at, Key, Query: { 'response-content-disposition': 'attachment' } }));
  same([disposition.status, disposition.headers['content-disposition']], [200, 'attachment'], 'a presigned GET with a parameter');
  const withHeader = await signedUrl({ ...at, Key: 'h', Method: 'PUT', Headers: { 'x-cos-meta-a': 'b' } });
  same((await plain('PUT', withHeader, { body: 'x', headers: { 'x-cos-meta-a': 'b' } })).status, 200, 'a signed header');
  refused(await plain('PUT', withHeader, { body: 'x', headers: { 'x-cos-meta-a': 'c' } }), 403, 'SignatureDoesNotMatch',
    'another value of a signed header');
  const anotherKey = (await signedUrl({ ...at, Key })).replace('signed', 'other');
  refused(await plain('GET', anotherKey), 403, 'SignatureDoesNotMatch', 'a URL of another key');
  refused(await plain('DELETE', await signedUrl({ ...at, Key })), 403, 'SignatureDoesNotMatch', 'a URL of another method');
  const odd = 'Aa,;./\'[]\\-=`~!@#$%^&*()_+{}|":>?<';
  const oddUrl = await signedUrl({ ...at, Key, Query: { [odd]: odd } });
  same((await plain('GET', oddUrl)).status, 200, 'a signed parameter of odd characters');
  const expired = await signedUrl({ ...at, Key, Expires: 10 }, client({ SystemClockOffset: -3600000 }));
  const answer = await plain('GET', expired);
  refused(answer, 403, 'AccessDenied', 'an expired URL');
  check(answer.body.includes('Request has expired'), 'the message of an expired URL');
  refused(await plain('GET', await signedUrl({ ...at, Key, Sign: false })), 403, 'AccessDenied', 'a URL without a signature');
}

async function refusals() {
  const at = await bucketFor('refusals');
  const Key = 'secret';
  await cos.putObject({ ...at, Key, Body: 'secret' });
  await fails(() => cos.getObject({ ...at, Key: 'none' }), 404, 'NoSuchKey', 'getObject of nothing');
  await fails(() => cos.headObject({ ...at, Key: 'none' }), 404, '404', 'headObject of nothing');
  same((await cos.deleteObject({ ...at, Key: 'none' })).statusCode, 204, 'deleteObject of nothing');
  const nowhere = { Bucket: `node-nowhere-${APPID}`, Region };
  await fails(() => cos.getObject({ ...nowhere, Key }), 404, 'NoSuchBucket', 'getObject from no bucket');
  same((await cos.deleteObject({ ...nowhere, Key })).BucketNotFound, true, 'deleteObject from no bucket');
  const wrongKey = client({ SecretKey: 'wrong' });
  await fails(() => wrongKey.getObject({ ...at, Key }), 403, 'SignatureDoesNotMatch', 'a wrong secret key');
  await fails(() => wrongKey.putObject({ ...at, Key, Body: 'x' }), 403, 'SignatureDoesNotMatch', 'an upload with a wrong key');
  const stranger = client({ SecretId: 'AKIDstranger' });
  await fails(() => stranger.getObject({ ...at, Key }), 403, 'InvalidAccessKeyId', 'an unknown key id');
  await fails(() => client({ SecretId: 'AKIDcosemu ' }).getObject({ ...at, Key }), 403, 'InvalidAccessKeyId', 'a blank in a key id');
  await holds(at, Key, 'secret', 'what was refused to be overwritten');
  refused(await plain('GET', `http://${hostOf(at)}/${Key}`), 403, 'AccessDenied', 'an anonymous GET');
  refused(await plain('PUT', `http://${hostOf(at)}/${Key}`, { body: 'x' }), 403, 'AccessDenied', 'an anonymous PUT');
  await cos.putObject({ ...at, Key: 'open', Body: 'open', ACL: 'public-read' });
  same((await plain('GET', `http://${hostOf(at)}/open`)).body.toString(), 'open', 'an anonymous GET of a public object');
}

/** The SDK sets its clock by the `Date` of a refusal, and asks the one that signs for it. */
async function credentials() {
  const at = await bucketFor('credentials');
  await cos.putObject({ ...at, Key: 'key', Body: 'content' });
  const late = client({ SystemClockOffset: -2 * 3600 * 1000 });
  const complain = console.error;
  console.error = () => {};
  same((await late.getObject({ ...at, Key: 'key' })).Body.toString(), 'content', 'a clock that is two hours late');
  console.error = complain;
  check(Math.abs(late.options.SystemClockOffset) < 5000, 'the clock is set');
  const signer = (options, done) => done({ Authorization: COS.getAuthorization({ ...options, ...keys }) });
  const remote = client({ SecretId: undefined, SecretKey: undefined, getAuthorization: signer });
  same((await remote.getObject({ ...at, Key: 'key' })).Body.toString(), 'content', 'a signature from elsewhere');
}

async function accessAndTags() {
  const at = await bucketFor('access');
  const Key = 'key';
  const address = `http://${hostOf(at)}/${Key}`;
  await cos.putObject({ ...at, Key, Body: 'content' });
  same((await cos.getObjectAcl({ ...at, Key })).ACL, 'default', 'the first ACL of an object');
  await cos.putObjectAcl({ ...at, Key, ACL: 'public-read' });
  same((await cos.getObjectAcl({ ...at, Key })).ACL, 'public-read', 'a public object');
  same((await plain('GET', address)).status, 200, 'an anonymous GET of a public object');
  await cos.putObjectAcl({ ...at, Key, ACL: 'private' });
  refused(await plain('GET', address), 403, 'AccessDenied', 'an anonymous GET of a private object');
  const identity = (uin) => `qcs::cam::uin/${uin}:uin/${uin}`;
  const owner = { ID: identity(OWNER) };
  const reader = { ID: identity('100000000002') };
  await cos.putObjectAcl({ ...at, Key, GrantRead: 'id="100000000002", id="100000000002"', GrantFullControl: 'id="100000000003"' });
  const granted = await cos.getObjectAcl({ ...at, Key });
  same([granted.GrantRead, granted.GrantFullControl], [`id="${reader.ID}"`, `id="${identity('100000000003')}"`], 'grants by headers');
  const Grants = [{ Grantee: reader, Permission: 'READ_ACP' }];
  await cos.putObjectAcl({ ...at, Key, AccessControlPolicy: { Owner: owner, Grants } });
  const listed = await cos.getObjectAcl({ ...at, Key });
  same([listed.Owner.ID, listed.Grants.map((grant) => [grant.Grantee.ID, grant.Permission])],
    [owner.ID, [[reader.ID, 'READ_ACP']]], 'grants by a list');

  await cos.putBucketAcl({ ...at, ACL: 'public-read' });
  same((await cos.getBucketAcl(at)).ACL, 'public-read', 'a public bucket');
  await cos.putBucketAcl({ ...at, ACL: 'public-read', GrantFullControl: `id="${reader.ID}"` });
  same((await cos.getBucketAcl(at)).ACL, 'public-read', 'a canned ACL together with grants');
  await cos.putBucketAcl({ ...at, AccessControlPolicy: { Owner: owner, Grants: [{ Grantee: reader, Permission: 'WRITE' }] } });
  const bucketAcl = await cos.getBucketAcl(at);
  same([bucketAcl.ACL, bucketAcl.GrantWrite], ['private', `id="${reader.ID}"`], 'a list of a bucket');

  const Tags = [{ Key: 'k1', Value: 'v1' }, { Key: '键', Value: '值' }];
  await cos.putObjectTagging({ ...at, Key, Tags });
  same((await cos.getObjectTagging({ ...at, Key })).Tags, Tags, 'the tags of an object');
  same((await cos.headObject({ ...at, Key })).headers['x-cos-tagging-count'], '2', 'the number of tags');
  await cos.deleteObjectTagging({ ...at, Key });
  same((await cos.getObjectTagging({ ...at, Key })).Tags, [], 'the tags after their deletion');
  await cos.putObject({ ...at, Key: 'tagged', Body: '', 'x-cos-tagging': 'a=b&c=d' });
  same((await cos.getObjectTagging({ ...at, Key: 'tagged' })).Tags, [{ Key: 'a', Value: 'b' }, { Key: 'c', Value: 'd' }],
    'tags of an upload');
}

async function appended() {
  const at = await bucketFor('appended');
  const Key = 'log';
  let Position = 0;
  for (const Body of ['one,', 'two,', 'three']) {
    const answer = await cos.appendObject({ ...at, Key, Body, Position });
    Position = Number(answer.headers['x-cos-next-append-position']);
  }
  same(Position, 13, 'the next position');
  await holds(at, Key, 'one,two,three', 'appendObject');
  await fails(() => cos.appendObject({ ...at, Key, Body: 'x', Position: 3 }), 409, 'AppendPositionErr', 'a wrong position');
  await cos.putObject({ ...at, Key: 'plain', Body: 'x' });
  const toPlain = { ...at, Key: 'plain', Body: 'x', Position: 1 };
  await fails(() => cos.appendObject(toPlain), 409, 'ObjectNotAppendable', 'appending to a plain object');
  same((await cos.headObject({ ...at, Key })).headers['x-cos-object-type'], 'appendable', 'the type of the object');
  for (const Status of ['Enabled', 'Suspended']) await cos.putBucketVersioning({ ...at, VersioningConfiguration: { Status } });
  same((await cos.appendObject({ ...at, Key: 'later', Body: 'x', Position: 0 })).statusCode, 200, 'appending when suspended');
}

async function archived() {
  const at = await bucketFor('archived');
  const Key = 'cold';
  await cos.putObject({ ...at, Key, Body: 'cold', StorageClass: 'ARCHIVE' });
  same((await cos.headObject({ ...at, Key })).headers['x-cos-storage-class'], 'ARCHIVE', 'the storage class');
  await fails(() => cos.getObject({ ...at, Key }), 403, 'InvalidObjectState', 'getObject from an archive');
  const FilePath = path.join(folder, 'cold');
  await fails(() => cos.downloadFile({ ...at, Key, FilePath }), 403, 'CannotDownload', 'downloadFile from an archive');
  const RestoreRequest = { Days: 1, CASJobParameters: { Tier: 'Expedited' } };
  same((await cos.restoreObject({ ...at, Key, RestoreRequest })).statusCode, 202, 'restoreObject');
  await fails(() => cos.restoreObject({ ...at, Key, RestoreRequest }), 409, 'RestoreAlreadyInProgress', 'restoreObject again');
  same((await cos.headObject({ ...at, Key })).headers['x-cos-restore'], 'ongoing-request="true"', 'the restoration');
  await cos.putObject({ ...at, Key: 'warm', Body: 'warm', StorageClass: 'STANDARD_IA' });
  const warm = { ...at, Key: 'warm', RestoreRequest };
  await fails(() => cos.restoreObject(warm), 405, 'RestoreNonArchiveObject', 'restoreObject of what is not archived');
}

async function encrypted() {
  const at = await bucketFor('encrypted');
  const managed = await cos.putObject({ ...at, Key: 'managed', Body: 'x', ServerSideEncryption: 'AES256' });
  same(managed.headers['x-cos-server-side-encryption'], 'AES256', 'SSE-COS');
  const kms = await cos.putObject({ ...at, Key: 'kms', Body: 'x', ServerSideEncryption: 'cos/kms', SSEKMSKeyId: 'own-key' });
  same([kms.headers['x-cos-server-side-encryption'], kms.headers['x-cos-server-side-encryption-cos-kms-key-id']],
    ['cos/kms', 'own-key'], 'SSE-KMS');
  await holds(at, 'kms', 'x', 'SSE-KMS');

  const keyed = (secret) => ({
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: Buffer.from(secret).toString('base64'),
    SSECustomerKeyMD5: md5(secret).toString('base64'),
  });
  const own = keyed('0123456789abcdef0123456789abcdef');
  const Key = 'own';
  const put = await cos.putObject({ ...at, Key, Body: 'secret', ...own });
  same(put.headers['x-cos-server-side-encryption-customer-key-md5'], own.SSECustomerKeyMD5, 'SSE-C');
  same((await cos.getObject({ ...at, Key, ...own })).Body.toString(), 'secret', 'SSE-C with its key');
  await fails(() => cos.getObject({ ...at, Key }), 400, 'SsecDecryptHeaderInvalid', 'SSE-C without a key');
  const other = keyed('fedcba9876543210fedcba9876543210');
  await fails(() => cos.getObject({ ...at, Key, ...other }), 403, 'AccessDenied', 'SSE-C with another key');

  const { UploadId } = await cos.multipartInit({ ...at, Key: 'parts', ...own });
  const { ETag } = await cos.multipartUpload({ ...at, Key: 'parts', UploadId, PartNumber: 1, Body: 'part', ...own });
  await cos.multipartComplete({ ...at, Key: 'parts', UploadId, Parts: [{ PartNumber: 1, ETag }] });
  same((await cos.getObject({ ...at, Key: 'parts', ...own })).Body.toString(), 'part', 'SSE-C in parts');
}

/** What the SDK has no call of its own for. */
async function byGenericRequest() {
  const at = await bucketFor('generic');
  await cos.putObject({ ...at, Key: 'target', Body: 'target' });
  await cos.request({ ...at, Method: 'PUT', Key: 'link', Action: 'symlink', Headers: { 'x-cos-symlink-target': 'target' } });
  await holds(at, 'link', 'target', 'a symbolic link');
  const link = await cos.request({ ...at, Method: 'GET', Key: 'link', Action: 'symlink' });
  same(link.headers['x-cos-symlink-target'], 'target', 'the target of a link');

  const IntelligentTieringConfiguration = { Status: 'Enabled', Transition: { Days: '30', RequestFrequent: '1' } };
  const Body = COS.util.json2xml({ IntelligentTieringConfiguration });
  await cos.request({ ...at, Method: 'PUT', Action: 'intelligenttiering', Body });
  const tiers = await cos.request({ ...at, Method: 'GET', Action: 'intelligenttiering' });
  same(tiers.IntelligentTieringConfiguration, IntelligentTieringConfiguration, 'tiering');

  const locked = await bucketFor('locked');
  const lock = { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Days: '1' } } };
  const unlocked = { ...locked, Method: 'GET', Action: 'object-lock' };
  await fails(() => cos.request(unlocked), 404, 'NoSuchObjectLockConfiguration', 'no object lock');
  await cos.request({ ...locked, Method: 'PUT', Action: 'object-lock', Body: COS.util.json2xml({ ObjectLockConfiguration: lock }) });
  same((await cos.request(unlocked)).ObjectLockConfiguration, lock, 'object lock');
  await cos.putObject({ ...locked, Key: 'kept', Body: 'kept' });
  await fails(() => cos.deleteObject({ ...locked, Key: 'kept' }), 409, 'ObjectLocked', 'deletion of what is locked');
  const { Retention } = await cos.request({ ...locked, Method: 'GET', Key: 'kept', Action: 'retention' });
  check(Date.parse(Retention.RetainUntilDate) > Date.now(), 'the end of a retention');

  const select = {
    Expression: 'select * from COSObject',
    ExpressionType: 'SQL',
    InputSerialization: { CompressionType: 'NONE', CSV: { FileHeaderInfo: 'NONE' } },
    OutputSerialization: { CSV: {} },
  };
  // Not emulated, and says so.
  await fails(() => cos.selectObjectContent({ ...at, Key: 'target', SelectType: 2, SelectRequest: select }), 501, 'NotImplemented',
    'selectObjectContent');
}

/** Puts a configuration, reads it back field by field, takes it away, and expects what the SDK then answers. */
async function configuration(at, call, field, value, after) {
  await cos[`put${call}`]({ ...at, [field]: value });
  same((await cos[`get${call}`](at))[field], value, `get${call}`);
  if (after.put !== undefined) await cos[`put${call}`]({ ...at, [field]: after.put });
  else same((await cos[`delete${call}`](at)).statusCode, 204, `delete${call}`);
  if (after.code) await fails(() => cos[`get${call}`](at), 404, after.code, `get${call} after its deletion`);
  else same((await cos[`get${call}`](at))[field], after.value, `get${call} after its deletion`);
}

async function configurations() {
  const at = await bucketFor('configured');
  const target = await bucketFor('destination');
  const configure = (...row) => configuration(at, ...row);
  for (const bucket of [at, target]) await cos.putBucketVersioning({ ...bucket, VersioningConfiguration: { Status: 'Enabled' } });
  const destination = `qcs::cos:${Region}::${target.Bucket}`;

  const CORSRules = [
    {
      ID: 'first',
      AllowedOrigins: ['http://one.example', 'http://two.example'],
      AllowedMethods: ['GET', 'PUT'],
      AllowedHeaders: ['*'],
      ExposeHeaders: ['ETag', 'x-cos-request-id'],
      MaxAgeSeconds: '5',
    },
    { AllowedOrigins: ['*'], AllowedMethods: ['HEAD'], AllowedHeaders: [], ExposeHeaders: [] },
  ];
  await cos.putBucketCors({ ...at, CORSRules, ResponseVary: 'true' });
  same((await cos.getBucketCors(at)).ResponseVary, 'true', 'ResponseVary');
  await preflight(at);
  await configure('BucketCors', 'CORSRules', CORSRules, { value: [] });

  await configure('BucketTagging', 'Tags', [{ Key: 'k', Value: 'v' }, { Key: '键', Value: '值' }], { value: [] });
  await configure('BucketLifecycle', 'Rules', [
    {
      ID: 'one',
      Status: 'Enabled',
      Filter: { Prefix: 'logs/' },
      Transition: [{ Days: '30', StorageClass: 'STANDARD_IA' }, { Days: '90', StorageClass: 'ARCHIVE' }],
      Expiration: { Days: '365' },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: '3' },
      NoncurrentVersionExpiration: { NoncurrentDays: '7' },
    },
    {
      ID: 'two',
      Status: 'Disabled',
      Filter: { And: { Prefix: 'x/', Tag: [{ Key: 'a', Value: 'b' }, { Key: 'c', Value: 'd' }] } },
      Expiration: { Days: '1' },
    },
  ], { value: [] });
  await policy(at);
  await configure('BucketReferer', 'RefererConfiguration', {
    Status: 'Enabled',
    RefererType: 'White-List',
    DomainList: { Domains: ['*.one.example', '*.two.example'] },
    EmptyReferConfiguration: 'Allow',
  }, {
    put: { Status: 'Disabled', RefererType: 'White-List', DomainList: { Domains: ['*'] } },
    value: { Status: 'Disabled', RefererType: 'White-List', DomainList: { Domains: ['*'] } },
  });
  await configure('BucketWebsite', 'WebsiteConfiguration', {
    IndexDocument: { Suffix: 'index.html' },
    RedirectAllRequestsTo: { Protocol: 'https' },
    ErrorDocument: { Key: 'error.html' },
    RoutingRules: [
      {
        Condition: { HttpErrorCodeReturnedEquals: '404' },
        Redirect: { Protocol: 'https', ReplaceKeyWith: '404.html', URLRedirect: 'Enabled' },
      },
      {
        Condition: { KeyPrefixEquals: 'docs/' },
        Redirect: { Protocol: 'https', ReplaceKeyPrefixWith: 'documents/', URLRedirect: 'Enabled' },
      },
    ],
  }, { value: {} });
  // The SDK looks for the code as `ReplicationConfigurationnotFoundError`, which the service does not write: it passes the error on.
  await configure('BucketReplication', 'ReplicationConfiguration', {
    Role: `qcs::cam::uin/${OWNER}:uin/${OWNER}`,
    Rules: [{ ID: 'one', Status: 'Enabled', Prefix: 'sync/', Destination: { Bucket: destination, StorageClass: 'STANDARD' } }],
  }, { code: 'ReplicationConfigurationNotFoundError' });
  await configure('BucketLogging', 'BucketLoggingStatus',
    { LoggingEnabled: { TargetBucket: target.Bucket, TargetPrefix: 'logs/' } }, { put: '', value: '' });
  await configure('BucketDomain', 'DomainRule', [
    { Status: 'ENABLED', Name: 'www.one.example', Type: 'REST' },
    { Status: 'DISABLED', Name: 'www.two.example', Type: 'WEBSITE' },
  ], { code: 'DomainConfigNotFoundError' });
  await configure('BucketOrigin', 'OriginRule', [{
    RulePriority: '1',
    OriginType: 'Mirror',
    OriginCondition: { HTTPStatusCode: '404', Prefix: 'from/' },
    OriginParameter: {
      Protocol: 'HTTP',
      FollowQueryString: 'true',
      HttpHeader: { NewHttpHeaders: { Header: [{ Key: 'a', Value: 'a' }, { Key: 'b', Value: 'b' }] } },
      FollowRedirection: 'true',
      HttpRedirectCode: ['301', '302'],
    },
    OriginInfo: {
      HostInfo: { HostName: 'one.example' },
      FileInfo: { PrefixConfiguration: { Prefix: 'p/' }, SuffixConfiguration: { Suffix: '.jpg' } },
    },
  }], { code: 'OriginConfigurationNotFoundError' });
  await accelerate(at);
  await encryption(at);
  await inventory(at, destination);
}

async function preflight(at) {
  const ask = { ...at, Key: 'any', AccessControlRequestMethod: 'PUT', AccessControlRequestHeaders: 'x-cos-meta-a' };
  const allowed = await cos.optionsObject({ ...ask, Origin: 'http://one.example' });
  same([allowed.AccessControlAllowOrigin, allowed.AccessControlMaxAge], ['http://one.example', '5'], 'optionsObject');
  check(allowed.AccessControlAllowMethods.includes('PUT'), 'the methods of optionsObject');
  check(allowed.AccessControlExposeHeaders.includes('ETag'), 'the exposed headers of optionsObject');
  check(allowed.AccessControlAllowHeaders.includes('x-cos-meta-a'), 'the headers of optionsObject');
  same((await cos.optionsObject({ ...ask, Origin: 'http://other.example' })).OptionsForbidden, true, 'another origin');
}

async function policy(at) {
  const Policy = {
    Statement: [{
      Sid: 'open',
      Principal: { qcs: ['qcs::cam::anyone:anyone'] },
      Effect: 'Allow',
      Action: ['name/cos:GetObject'],
      Resource: [`qcs::cos:${Region}:uid/${APPID}:${at.Bucket}/open/*`],
    }],
    version: '2.0',
  };
  const [{ Principal, ...statement }] = Policy.Statement;
  await cos.putBucketPolicy({ ...at, Policy: { version: '2.0', principal: Principal, statement: [statement] } });
  await cos.putObject({ ...at, Key: 'open/door', Body: 'open' });
  await cos.putBucketPolicy({ ...at, Policy });
  same((await plain('GET', `http://${hostOf(at)}/open/door`)).body.toString(), 'open', 'what a policy allows');
  await configuration(at, 'BucketPolicy', 'Policy', Policy, { code: 'NoSuchBucketPolicy' });
  refused(await plain('GET', `http://${hostOf(at)}/open/door`), 403, 'AccessDenied', 'without the policy');
}

async function accelerate(at) {
  same((await cos.getBucketAccelerate(at)).AccelerateConfiguration, {}, 'acceleration that was never set');
  for (const Status of ['Enabled', 'Suspended']) {
    await cos.putBucketAccelerate({ ...at, AccelerateConfiguration: { Status } });
    same((await cos.getBucketAccelerate(at)).AccelerateConfiguration.Status, Status, 'getBucketAccelerate');
  }
}

/** `EncryptionConfiguration` of the SDK's result is always empty: the service answers with a root that it does not look for. */
async function encryption(at) {
  const Rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } };
  await cos.putBucketEncryption({ ...at, ServerSideEncryptionConfiguration: { Rule: [Rule] } });
  same((await cos.getBucketEncryption(at)).ServerSideEncryptionConfiguration, { Rule }, 'getBucketEncryption');
  const put = await cos.putObject({ ...at, Key: 'by default', Body: 'x' });
  same(put.headers['x-cos-server-side-encryption'], 'AES256', 'encryption by default');
  await cos.deleteBucketEncryption(at);
  const none = await cos.getBucketEncryption(at);
  same([none.statusCode, none.EncryptionConfiguration], [404, { Rules: [] }], 'getBucketEncryption after its deletion');
}

async function inventory(at, destination) {
  const InventoryConfiguration = {
    Id: 'daily',
    IsEnabled: 'true',
    Destination: {
      COSBucketDestination: { Format: 'CSV', AccountId: OWNER, Bucket: destination, Prefix: 'lists', Encryption: { SSECOS: '' } },
    },
    Schedule: { Frequency: 'Daily' },
    Filter: { Prefix: 'some/' },
    IncludedObjectVersions: 'All',
    OptionalFields: ['Size', 'ETag'],
  };
  const Id = InventoryConfiguration.Id;
  await cos.putBucketInventory({ ...at, Id, InventoryConfiguration });
  same((await cos.getBucketInventory({ ...at, Id })).InventoryConfiguration, InventoryConfiguration, 'getBucketInventory');
  const list = await cos.listBucketInventory(at);
  same([list.InventoryConfigurations, list.IsTruncated], [[InventoryConfiguration], 'false'], 'listBucketInventory');
  same((await cos.deleteBucketInventory({ ...at, Id })).statusCode, 204, 'deleteBucketInventory');
  await fails(() => cos.getBucketInventory({ ...at, Id }), 404, 'InventoryConfigurationNotFoundError', 'an inventory that is gone');
  same((await cos.listBucketInventory(at)).InventoryConfigurations, [], 'no inventory is left');
}

const steps = [
  buckets, onePiece, inParts, resumed, copies, listing, versions, presigned, refusals, credentials, accessAndTags, appended,
  archived, encrypted, byGenericRequest, configurations,
];

async function whole() {
  for (const step of steps) {
    await step().catch((error) => {
      error.message = `${step.name}: ${error.message}`;
      throw error;
    });
  }
  console.log('ok');
}

(isChild ? uploadAndDie(JSON.parse(process.argv[4])) : whole())
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => folder && fs.rmSync(folder, { recursive: true }));
