"""The official CAS client against cos-emu: python suite_cas.py <host> <port> [scenario].

Runs on CPython 2.7 with cassdk as it is, and on Python 3 with cassdk as convert_cas.py makes it. The client gives many an error up
(it tries no 5xx again, and no connection outside of its threads); under a scenario the suite does what a user's program would do
then, and makes the call again. Prints `ok`, or the expectation that failed.

What this client has no call for: an inventory as CSV, in pages or of a span of time, notifications, jobs from and to COS. The calls
of it that cannot work at all are held to the way in which they fail.
"""

import binascii
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

from cas.api import CasAPI
from cas.client import CASClient
from cas.exceptions.cas_server_error import CASServerError
from cas.multipart_upload import MultipartUpload
from cas.vault import Vault

host, port = sys.argv[1], int(sys.argv[2])
scenario = sys.argv[3] if len(sys.argv) > 3 else 'none'
MIB = 1024 * 1024
PART = 2 * MIB
# The least size of a part that the threads of the client can be told.
LARGE_PART = 16 * MIB
# Its period is a prime number, so that no two chunks are the same.
PATTERN = bytes(bytearray((i * 31 + 7) % 251 for i in range(251)))
DATA = (PATTERN * (5 * MIB // 251 + 1))[:5 * MIB + 7]
ROOT = 'ded82c2c79b481f870c303c539699ec74ae628eea29a7cc08a4575780227df96'
LARGE = 100 * MIB + 3
# Names are byte strings on Python 2: with Unicode the client cannot put a head before a body that is in memory.
VAULT = 'official_client'


def check(condition, what):
    if not condition:
        sys.exit('failed: ' + what)


def is_final(error):
    """Whether a program that meets this error has nothing to hope for from the same call."""
    if scenario == 'none':
        return True
    # An error has a code only if its body was JSON; that of a body that was cut has none.
    return isinstance(error, CASServerError) and error.status < 500 and hasattr(error, 'code')


def again(action):
    """What a user's program does where the client gives up: the call again, a few times."""
    for _ in range(12):
        try:
            return action()
        except Exception as error:
            if is_final(error):
                raise
    sys.exit('failed: a dozen times')


class Patient(object):
    """The calls of the client, each of them again if it has to be."""

    def __getattr__(self, name):
        def call(*arguments, **options):
            def once():
                for argument in arguments:
                    if hasattr(argument, 'seek'):
                        argument.seek(0)
                return getattr(client, name)(*arguments, **options)
            return again(once)
        return call


client = CasAPI(CASClient(host, '1250000000', 'AKIDcosemu', 'cosemu', port=port))
api = Patient()


def linear(data):
    return hashlib.sha256(data).hexdigest()


def tree(data):
    nodes = [hashlib.sha256(data[at:at + MIB]).digest() for at in range(0, len(data), MIB)]
    return fold(nodes or [hashlib.sha256().digest()])


def fold(nodes):
    while len(nodes) > 1:
        pairs = [nodes[at:at + 2] for at in range(0, len(nodes), 2)]
        nodes = [hashlib.sha256(pair[0] + pair[1]).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return str(binascii.hexlify(nodes[0]).decode('ascii'))


def fails(action, status, code):
    try:
        again(action)
    except CASServerError as error:
        check((error.status, error.code) == (status, code), '%s %s' % (error.status, error.code))
    else:
        sys.exit('failed: it succeeded, but should have failed with ' + code)


def raises(kind, action):
    """Holds that the client itself refuses something, or cannot do it."""
    for _ in range(12):
        try:
            action()
        except kind:
            return
        except Exception as error:
            if is_final(error):
                raise
        else:
            break
    sys.exit('failed: it should have raised ' + kind.__name__)


def pages(list_page, member):
    """All entries that a call lists two at a time, page by page."""
    entries, marker, count = [], None, 0
    while True:
        page = list_page(marker=marker, limit=2)
        check(len(page[member]) <= 2, 'a page of two has more')
        entries += page[member]
        count += 1
        check(count < 20, 'pages end')
        marker = page['Marker']
        if marker is None:
            return entries, count
        # Byte strings are what the client signs and sends alike.
        marker = str(marker)


def write_pattern(path, size):
    with open(path, 'wb') as file:
        block = PATTERN * 4096
        for at in range(0, size, len(block)):
            file.write(block[:size - at])


def digest_of(path):
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        for block in iter(lambda: file.read(MIB), b''):
            digest.update(block)
    return digest.hexdigest()


def content(path):
    with open(path, 'rb') as file:
        return file.read()


def ranges(size, part):
    return ['%d-%d' % (at, min(at + part, size) - 1) for at in range(0, size, part)]


def in_threads(vault, upload, path):
    """An upload that exists already, with the threads of the client."""
    owner = Vault(client, {'VaultName': vault})
    return MultipartUpload(owner, api.describe_multipart(vault, upload), file_path=path)


if len(sys.argv) > 4:
    # The child that is to be killed. The client sleeps a random time before each part, so that they do not come all at once.
    random.seed(7)
    in_threads(*sys.argv[4:]).start()
    sys.exit()


def vaults():
    api.create_vault(VAULT)
    check(api.describe_vault(VAULT)['VaultName'] == VAULT, 'describe_vault')
    for number in range(4):
        api.create_vault('page_%d' % number)
    names = [VAULT] + ['page_%d' % number for number in range(4)]
    check([entry['VaultName'] for entry in api.list_all_vaults()['VaultList']] == names, 'list_all_vaults')
    entries, count = pages(api.list_vaults, 'VaultList')
    check([entry['VaultName'] for entry in entries] == names and count == 3, 'list_vaults')
    for number in range(4):
        Vault.delete_vault_by_name(api, 'page_%d' % number)
    raises(ValueError, lambda: Vault.get_vault_by_name(api, 'page_0'))
    return again(lambda: Vault.get_vault_by_name(client, VAULT))


def upload_in_parts():
    # Both kinds of Upload Part: from memory, and from a file object, which sends two Host lines.
    upload = api.initiate_multipart_upload(VAULT, PART, desc='my file ~ (v1)')['x-cas-multipart-upload-id']
    for index in (2, 0, 1):
        data = DATA[index * PART:(index + 1) * PART]
        area = '%d-%d' % (index * PART, index * PART + len(data) - 1)
        if index == 0:
            answer = api.post_multipart(VAULT, upload, data, area, linear(data), tree(data))
        else:
            reader = io.BytesIO(data)
            answer = api.post_multipart_from_reader(VAULT, upload, reader, len(data), area, linear(data), tree(data))
        check(answer['x-cas-sha256-tree-hash'] == tree(data), 'Upload Part')
    listed = api.list_parts(VAULT, upload)
    check([part['RangeInBytes'] for part in listed['Parts']] == ranges(len(DATA), PART), 'list_parts')
    check(listed['PartSizeInBytes'] == PART, 'the part size')
    check(len(api.list_multipart_uploads(VAULT)['UploadsList']) == 1, 'list_multipart_uploads')
    fails(lambda: client.complete_multipart_upload(VAULT, upload, len(DATA) + 1, ROOT), 400, 'InvalidParameterValueException')
    archive = api.complete_multipart_upload(VAULT, upload, len(DATA), ROOT)['x-cas-archive-id']
    check(len(archive) == 128, 'complete_multipart_upload')
    return archive


def refused_uploads():
    upload = api.initiate_multipart_upload(VAULT, PART)['x-cas-multipart-upload-id']
    fails(lambda: client.post_multipart(VAULT, upload, b'x', '1-1', linear(b'x'), tree(b'x')), 400,
          'InvalidParameterValueException')
    fails(lambda: client.post_multipart_from_reader(VAULT, upload, io.BytesIO(DATA), len(DATA), '0-%d' % (len(DATA) - 1),
                                                    linear(DATA), ROOT), 400, 'InvalidParameterValueException')
    others = [api.initiate_multipart_upload(VAULT, PART)['x-cas-multipart-upload-id'] for _ in range(2)]
    entries, count = pages(lambda **page: api.list_multipart_uploads(VAULT, **page), 'UploadsList')
    check(sorted(entry['MultipartUploadId'] for entry in entries) == sorted([upload] + others) and count == 2, 'pages of uploads')
    check(len(Vault(api, {'VaultName': VAULT}).list_all_multipart_uploads()) == 3, 'list_all_multipart_uploads')
    for each in [upload] + others:
        api.abort_multipart_upload(VAULT, each)
    fails(lambda: client.list_parts(VAULT, upload), 404, 'ResourceNotFoundException')
    fails(lambda: client.complete_multipart_upload(VAULT, upload, len(DATA), ROOT), 404, 'ResourceNotFoundException')
    fails(lambda: client.initiate_multipart_upload('never', PART), 404, 'ResourceNotFoundException')
    fails(lambda: client.delete_vault(VAULT), 400, 'BadRequest')


def nothing():
    """The service has no empty archives; the classes of the client do not even ask it."""
    fails(lambda: client.post_archive(VAULT, b'', linear(b''), tree(b'')), 400, 'InvalidParameterValueException')
    open(local('empty'), 'wb').close()
    raises(ValueError, lambda: owner.upload_archive(local('empty')))
    raises(ValueError, lambda: owner.initiate_multipart_upload(local('empty')))


def upload_killed_and_resumed():
    """100 MiB and 3 bytes with the threads of the client; its process is killed, and another one goes on."""
    path = local('large')
    upload = again(lambda: owner.initiate_multipart_upload(path)).id
    command = [sys.executable, __file__, host, str(port), scenario, VAULT, str(upload), path]
    with open(os.devnull, 'w') as devnull:
        child = subprocess.Popen(command, stdout=devnull, stderr=devnull)
    try:
        end = time.time() + 30
        while len(api.list_parts(VAULT, upload)['Parts']) < 2:
            check(time.time() < end, 'two parts are stored in time')
            pause(0.02)
    finally:
        # SIGKILL: the client cannot say good-bye to anything.
        child.kill()
        child.wait()
    # A body that was cut by the end of its process must not have become a part; what the service was about to store may have.
    pause(0.1)
    every = ranges(LARGE, LARGE_PART)
    entries, _ = pages(lambda **page: api.list_parts(VAULT, upload, **page), 'Parts')
    stored = dict((part['RangeInBytes'], str(part['SHA256TreeHash'])) for part in entries)
    check(2 <= len(stored) < len(every) and set(stored) <= set(every), 'some parts were stored: %s' % sorted(stored))

    # The resume of version 1.0.2 calls `list_all_parts` of a class that has no such method.
    uploader = again(lambda: owner.get_multipart_uploader(upload))
    raises(AttributeError, lambda: uploader.resume(path))
    nodes = []
    with open(path, 'rb') as file:
        for area in every:
            data = file.read(LARGE_PART)
            nodes.append(binascii.unhexlify(tree(data)))
            if area in stored:
                check(stored[area] == tree(data), 'a part was stored as it is')
            else:
                api.post_multipart_from_reader(VAULT, upload, io.BytesIO(data), len(data), area, linear(data), tree(data))
    return api.complete_multipart_upload(VAULT, upload, LARGE, fold(nodes))['x-cas-archive-id']


def upload_in_threads():
    """As the client does it by itself with what is large: Initiate, parts in threads, Complete."""
    path = local('medium')
    write_pattern(path, 2 * LARGE_PART + 5)
    uploader = again(lambda: owner.initiate_multipart_upload(path, desc='threads'))
    archive = again(uploader.start)
    check(digest_of(path) == linear(content(path)) and len(uploader.parts) == 3, 'MultipartUpload')
    return archive


def jobs(archive, small, killed):
    # What is larger than 32 MiB is downloaded in pieces, each of which has to have its tree hash.
    large = DATA * 6 + DATA[:4 * MIB]
    fourth = api.post_archive(VAULT, large, linear(large), tree(large))['x-cas-archive-id']
    path = local('output')
    for start, expected in (
        (lambda: owner.retrieve_archive(fourth, desc='all'), large),
        (lambda: owner.retrieve_archive(archive, byte_range=(4 * MIB, len(DATA) - 1), tier='Expedited'), DATA[4 * MIB:]),
        (lambda: owner.retrieve_archive(archive, byte_range=(MIB, 3 * MIB - 1), tier='Bulk'), DATA[MIB:3 * MIB]),
        (lambda: owner.retrieve_archive(small), DATA[:MIB]),
    ):
        job = again(start)
        again(lambda: job.download_to_file(path))
        check(content(path) == expected, 'download_to_file')
        check(job.completed and job.status_code == 'Succeeded', 'the status of a job')

    job = again(lambda: owner.retrieve_archive(killed))
    again(lambda: job.download_to_file(path))
    check(digest_of(path) == digest_of(local('large')), 'what was uploaded in two lives')
    # Reading a range of an output: from the last piece, into a file and as bytes.
    area = (LARGE - MIB - 3, LARGE - 2)
    again(lambda: download_area(job, area, path))
    check(content(path) == large_area(*area), 'download_by_range')
    first = again(lambda: whole(client.get_job_output(VAULT, job.id, (MIB, 2 * MIB - 1)), MIB))
    check(first == large_area(MIB, 2 * MIB - 1), 'get_job_output')

    job = again(owner.initiate_retrieve_inventory)
    again(lambda: job.download_to_file(path))
    return fourth, len(large), json.loads(content(path).decode('utf8')), job


def download_area(job, area, path):
    job.download_by_range(area, file_path=path)
    # After an answer that was cut the client writes the next one behind the half of the first, and reports a success.
    if scenario != 'none' and os.path.getsize(path) != area[1] - area[0] + 1:
        raise IOError('%d bytes' % os.path.getsize(path))


def large_area(first, last):
    with open(local('large'), 'rb') as file:
        file.seek(first)
        return file.read(last - first + 1)


def whole(answer, size):
    data = answer.read(size + 1)
    if len(data) != size:
        raise IOError('%d bytes instead of %d' % (len(data), size))
    check(answer['x-cas-sha256-tree-hash'] == tree(data), 'the tree hash of an output')
    return data


def lists_of_jobs(job, archive):
    # The class starts a job and then describes it; where only the second call fails, the next attempt starts another job.
    every = set(entry['JobId'] for entry in api.list_all_jobs(VAULT)['JobList'])
    check(len(every) == 6 or len(every) > 6 and scenario != 'none', 'list_all_jobs')
    check(len(api.list_jobs(VAULT, completed='true', limit=2)['JobList']) == 2, 'list_jobs')
    entries, count = pages(lambda **page: api.list_jobs(VAULT, **page), 'JobList')
    check(set(entry['JobId'] for entry in entries) == every and count == (len(every) + 1) // 2, 'pages of jobs')
    check(api.list_jobs(VAULT, status_code='InProgress')['JobList'] == [], 'list_jobs by status')
    fails(lambda: owner.retrieve_archive(archive, byte_range=(1, 2)), 400, 'InvalidParameterValueException')
    fails(lambda: owner.retrieve_archive('never'), 404, 'ResourceNotFoundException')
    fails(lambda: client.get_job_output(VAULT, job.id, (0, 1 << 30)), 400, 'InvalidParameterValueException')
    fails(lambda: client.describe_job(VAULT, 'never'), 404, 'ResourceNotFoundException')


def local(name):
    return os.path.join(folder, name)


pause = time.sleep
# The client sleeps up to four seconds before each part and piece, and longer between two looks at a job.
time.sleep = lambda seconds: pause(0.02)
folder = tempfile.mkdtemp()
try:
    write_pattern(local('large'), LARGE)
    owner = vaults()
    archive = upload_in_parts()
    # Archives in one piece: from memory, from a file object, and as the class does it.
    second = api.post_archive(VAULT, DATA, linear(DATA), tree(DATA))['x-cas-archive-id']
    third = api.post_archive_from_reader(VAULT, io.BytesIO(DATA), len(DATA), linear(DATA), tree(DATA))['x-cas-archive-id']
    with open(local('small'), 'wb') as file:
        file.write(DATA[:MIB])
    small = again(lambda: owner.upload_archive(local('small'), desc='one MiB'))
    refused_uploads()
    nothing()
    killed = upload_killed_and_resumed()
    threads = upload_in_threads()
    fourth, fourth_size, inventory, job = jobs(archive, small, killed)
    sizes = dict((entry['ArchiveId'], entry['Size']) for entry in inventory['ArchiveList'])
    check(sizes == {archive: len(DATA), second: len(DATA), third: len(DATA), small: MIB, killed: LARGE,
                    threads: 2 * LARGE_PART + 5, fourth: fourth_size}, 'the inventory')
    lists_of_jobs(job, archive)
    for each in sizes:
        again(lambda: owner.get_archive(str(each)).delete())
    fails(lambda: client.delete_archive(VAULT, 'never'), 404, 'ResourceNotFoundException')
    api.delete_vault(VAULT)
    fails(lambda: client.describe_vault(VAULT), 404, 'ResourceNotFoundException')
finally:
    shutil.rmtree(folder)
print('ok')
