# The official CAS client (Python 2) against cos-emu: python2.7 suite_cas.py <host> <port>.
import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
import time

from cas.api import CasAPI
from cas.client import CASClient
from cas.exceptions.cas_server_error import CASServerError
from cas.vault import Vault

host, port = sys.argv[1], int(sys.argv[2])
api = CasAPI(CASClient(host, '1250000000', 'AKIDcosemu', 'cosemu', port=port))
MIB = 1024 * 1024
PART = 2 * MIB
DATA = ''.join(chr((i * 31 + 7) % 251) for i in range(5 * MIB + 7))
ROOT = 'ded82c2c79b481f870c303c539699ec74ae628eea29a7cc08a4575780227df96'


def check(condition, what):
    if not condition:
        sys.exit('failed: ' + what)


def tree(data):
    nodes = [hashlib.sha256(data[at:at + MIB]).digest() for at in range(0, len(data), MIB)]
    while len(nodes) > 1:
        pairs = [nodes[at:at + 2] for at in range(0, len(nodes), 2)]
        nodes = [hashlib.sha256(pair[0] + pair[1]).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return nodes[0].encode('hex')


def fails(action, status, code):
    try:
        action()
    except CASServerError as error:
        check((error.status, error.code) == (status, code), '%s %s' % (error.status, error.code))
    else:
        sys.exit('failed: it succeeded, but should have failed with ' + code)


vault = 'official_client'
api.create_vault(vault)
check(api.describe_vault(vault)['VaultName'] == vault, 'describe_vault')
check(vault in [entry['VaultName'] for entry in api.list_all_vaults()['VaultList']], 'list_vaults')

# Both kinds of Upload Part: from memory, and from a file object, which sends two Host lines.
upload = api.initiate_multipart_upload(vault, PART, desc='my file ~ (v1)')['x-cas-multipart-upload-id']
for index in (2, 0, 1):
    data = DATA[index * PART:(index + 1) * PART]
    area = '%d-%d' % (index * PART, index * PART + len(data) - 1)
    linear = hashlib.sha256(data).hexdigest()
    if index == 0:
        answer = api.post_multipart(vault, upload, data, area, linear, tree(data))
    else:
        answer = api.post_multipart_from_reader(vault, upload, io.BytesIO(data), len(data), area, linear, tree(data))
    check(answer['x-cas-sha256-tree-hash'] == tree(data), 'Upload Part')
listed = api.list_parts(vault, upload)
check([part['RangeInBytes'] for part in listed['Parts']] == ['0-2097151', '2097152-4194303', '4194304-5242886'], 'list_parts')
check(listed['PartSizeInBytes'] == PART, 'the part size')
check(len(api.list_multipart_uploads(vault)['UploadsList']) == 1, 'list_multipart_uploads')
fails(lambda: api.complete_multipart_upload(vault, upload, len(DATA) + 1, ROOT), 400, 'InvalidParameterValueException')
archive = api.complete_multipart_upload(vault, upload, len(DATA), ROOT)['x-cas-archive-id']
check(len(archive) == 128, 'complete_multipart_upload')

# An archive in one piece, an aborted upload, a misaligned part.
linear = hashlib.sha256(DATA).hexdigest()
second = api.post_archive(vault, DATA, linear, tree(DATA))['x-cas-archive-id']
third = api.post_archive_from_reader(vault, io.BytesIO(DATA), len(DATA), linear, tree(DATA))['x-cas-archive-id']
upload = api.initiate_multipart_upload(vault, PART)['x-cas-multipart-upload-id']
fails(lambda: api.post_multipart(vault, upload, 'x', '1-1', hashlib.sha256('x').hexdigest(), tree('x')), 400,
      'InvalidParameterValueException')
fails(lambda: api.post_multipart_from_reader(vault, upload, io.BytesIO(DATA), len(DATA), '0-%d' % (len(DATA) - 1),
                                             linear, ROOT), 400, 'InvalidParameterValueException')
api.abort_multipart_upload(vault, upload)
fails(lambda: api.list_parts(vault, upload), 404, 'ResourceNotFoundException')
fails(lambda: api.delete_vault(vault), 400, 'BadRequest')

# Jobs. What is larger than 32 MiB is downloaded in pieces, each of which has to have its tree hash.
time.sleep = lambda seconds: None
large = DATA * 6 + DATA[:4 * MIB]
fourth = api.post_archive(vault, large, hashlib.sha256(large).hexdigest(), tree(large))['x-cas-archive-id']
folder = tempfile.mkdtemp()
path = os.path.join(folder, 'output')
owner = Vault.get_vault_by_name(api, vault)
for job, expected in (
    (owner.retrieve_archive(fourth, desc='all'), large),
    (owner.retrieve_archive(archive, byte_range=(4 * MIB, len(DATA) - 1), tier='Expedited'), DATA[4 * MIB:]),
    (owner.retrieve_archive(archive, byte_range=(MIB, 3 * MIB - 1), tier='Bulk'), DATA[MIB:3 * MIB]),
):
    job.download_to_file(path)
    with open(path, 'rb') as output:
        check(output.read() == expected, 'download_to_file')
    check(job.completed and job.status_code == 'Succeeded', 'the status of a job')
job = owner.initiate_retrieve_inventory()
job.download_to_file(path)
with open(path, 'rb') as output:
    inventory = json.load(output)
sizes = dict((entry['ArchiveId'], entry['Size']) for entry in inventory['ArchiveList'])
check(sizes == {archive: len(DATA), second: len(DATA), third: len(DATA), fourth: len(large)}, 'the inventory')
shutil.rmtree(folder)
check(len(api.list_all_jobs(vault)['JobList']) == 4, 'list_all_jobs')
check(len(api.list_jobs(vault, completed='true', limit=2)['JobList']) == 2, 'list_jobs')
fails(lambda: owner.retrieve_archive(archive, byte_range=(1, 2)), 400, 'InvalidParameterValueException')
fails(lambda: owner.retrieve_archive('never'), 404, 'ResourceNotFoundException')
fails(lambda: api.get_job_output(vault, job.id, (0, 1 << 30)), 400, 'InvalidParameterValueException')
fails(lambda: api.describe_job(vault, 'never'), 404, 'ResourceNotFoundException')
for archive in (archive, second, third, fourth):
    api.delete_archive(vault, archive)
api.delete_vault(vault)
fails(lambda: api.describe_vault(vault), 404, 'ResourceNotFoundException')
print('ok')
