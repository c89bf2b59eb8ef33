# The official CAS client (Python 2) against cos-emu: python2.7 suite_cas.py <host> <port>.
import hashlib
import io
import sys

from cas.api import CasAPI
from cas.client import CASClient
from cas.exceptions.cas_server_error import CASServerError

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
for archive in (archive, second, third):
    api.delete_archive(vault, archive)
api.delete_vault(vault)
fails(lambda: api.describe_vault(vault), 404, 'ResourceNotFoundException')
print('ok')
