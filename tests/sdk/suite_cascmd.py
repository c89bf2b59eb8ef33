"""cascmd.py, the program that comes with the official CAS client, against cos-emu: python suite_cascmd.py <host> 80 [scenario].

Runs the program as a user would, each command in a process of its own, by the Python that runs the suite; it is the `cascmd.py`
beside the package `cas` that PYTHONPATH leads to. The program has no option for a port. Under a scenario the suite does what a user
would do: gives a command again, and goes on with an upload that was begun. Prints `ok`, or the expectation that failed.

What this program has no option for: an inventory as CSV, in pages or of a span of time, threads, jobs from and to COS.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import cas

host, port = sys.argv[1], sys.argv[2]
scenario = sys.argv[3] if len(sys.argv) > 3 else 'none'
program = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(cas.__file__))), 'cascmd.py')
# The program runs in a folder of its own, so the paths must not be relative.
packages = os.environ.get('PYTHONPATH', '').split(os.pathsep)
environment = dict(os.environ, PYTHONPATH=os.pathsep.join(os.path.abspath(each) for each in packages))
MIB = 1024 * 1024
LARGE = 100 * MIB + 3
PART = 16 * MIB
PARTS = 7
# Its period is a prime number, so that no two chunks are the same.
PATTERN = bytes(bytearray((i * 31 + 7) % 251 for i in range(251)))
VAULT = 'cas://command_line'
LOST = 'ResourceNotFoundException'


def check(condition, what):
    if not condition:
        sys.exit('failed: ' + what)


def start(command, *arguments):
    """Options come first and positions behind `--`: ids may begin with a hyphen, which would make options of them."""
    options = [each for each in arguments if re.match('--[a-z_-]+=', each) or each == '--force']
    positions = [each for each in arguments if each not in options]
    if command != 'help':
        options = ['--config-file=' + local('config')] + options + ['--'] * bool(positions)
    line = [sys.executable, '-u', program, command] + options + positions
    return subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder, env=environment)


def once(*arguments):
    """One command; its status and all that it prints."""
    child = start(*arguments)
    out, errors = child.communicate()
    return child.returncode, (out + errors).decode('utf8')


def is_final(text):
    """Whether the program met an error that another attempt would meet too."""
    if scenario == 'none' or 'usage:' in text:
        return True
    return 'Error Status:\n4' in text


def run(*arguments):
    """A command that has to end well; what it prints."""
    for _ in range(12):
        status, text = once(*arguments)
        if status == 0:
            return text
        check(not is_final(text), '%s ended with %d: %s' % (' '.join(arguments), status, text))
    sys.exit('failed: %s: a dozen times' % ' '.join(arguments))


def fails(code, *arguments):
    for _ in range(12):
        status, text = once(*arguments)
        check(status != 0, ' '.join(arguments) + ' succeeded')
        if re.search('"code" : "(%s)"' % code, text):
            return
        check(not is_final(text), '%s did not fail with %s: %s' % (' '.join(arguments), code, text))
    sys.exit('failed: %s: a dozen times' % ' '.join(arguments))


def found(pattern, text):
    match = re.search(pattern, text)
    check(match, 'no %r in %s' % (pattern, text))
    return match.group(1)


def archive_of(text):
    return found('Archive ID: ([-_A-Za-z0-9]{128})', text)


def upload_of(text):
    return found('MultiPartUpload ID: ([-_A-Za-z0-9]{64})', text)


def local(name):
    return os.path.join(folder, name)


def write_pattern(name, size):
    with open(local(name), 'wb') as file:
        block = PATTERN * 4096
        for at in range(0, size, len(block)):
            file.write(block[:size - at])


def area_of(name, start=0, size=None):
    with open(local(name), 'rb') as file:
        file.seek(start)
        return file.read() if size is None else file.read(size)


def upload(name, *options):
    """Uploads in parts; where the program ends early, it goes on as it says one can: with the id of the upload."""
    known = None
    for _ in range(12):
        status, text = once('upload', VAULT, name, *(options + (('--upload_id=' + known,) if known else ())))
        if status == 0:
            return archive_of(text)
        check(not is_final(text), 'upload: ' + text)
        if known is None and 'MultiPartUpload ID: ' in text:
            known = upload_of(text)
    sys.exit('failed: upload: a dozen times')


def fetch(job, expected, *options):
    """The program does not compare lengths, and calls half an output a success; its user has to look."""
    for _ in range(12):
        text = run('fetch', VAULT, job, 'output', '--force', *options)
        check('Download job output success' in text, 'fetch: ' + text)
        got = area_of('output')
        if got == expected:
            return
        check(scenario != 'none', 'fetch: %d bytes instead of %d' % (len(got), len(expected)))
    sys.exit('failed: fetch: a dozen times')


def create_job(*arguments):
    return found('job created, job ID: ([-_A-Za-z0-9]{64})', run('create_job', VAULT, *arguments))


def configuration():
    run('config', '--endpoint=' + host, '--appid=1250000000', '--secretid=AKIDcosemu', '--secretkey=cosemu')
    check('cas://vault' in run('help'), 'help')


def names_in(page):
    """The names in a table of vaults: behind each stands a date."""
    return re.findall(r'^(\S+) +\d{4}-\d\d-\d\dT', page, re.M)


def vaults():
    for name in ('command_line', 'page_1', 'page_2'):
        check('/1250000000/vaults/' + name in run('cv', 'cas://' + name), 'create_vault')
    check('VaultName: command_line' in run('desc_vault', VAULT), 'desc_vault')
    # The converted program cannot print the counts of a vault that has no inventory yet.
    if sys.version_info[0] == 2:
        page = run('ls', '--limit=2')
        check('Vault count: 2' in page and names_in(page) == ['command_line', 'page_1'], 'the first page of vaults')
        page = run('list_vault', '--limit=2', '--marker=' + found('Marker: (qcs:[^\n]+)', page))
        check(names_in(page) == ['page_2'] and 'Marker: None' in page, 'the second page of vaults')
    for name in ('page_1', 'page_2'):
        check('Delete success' in run('delete_vault', 'cas://' + name), 'delete_vault')
    fails(LOST, 'desc_vault', 'cas://page_1')


def small_archives():
    # The program gives nothing a tree hash of no digits, in a header that is empty.
    fails('MissingParameterValueException|InvalidParameterValueException', 'upload', VAULT, 'empty')
    one = archive_of(run('upload', VAULT, 'one', '--desc=one MiB'))
    check(hashlib.sha256(area_of('one')).hexdigest() in run('file_tree_etag', 'one'), 'file_tree_etag')
    return one


def steps_of_an_upload():
    """The commands for single steps, and a list of uploads in pages."""
    upload = upload_of(run('init_multipart_upload', VAULT, '1M', '--desc=steps'))
    other = upload_of(run('init_multipart_upload', VAULT, '1M', '--desc=other'))
    page = run('list_multipart_upload', VAULT, '--limit=1')
    check('upload count: 1' in page, 'the first page of uploads')
    page = run('list_multipart_upload', VAULT, '--limit=1', '--marker=' + found('Marker: ([^\n]+)', page))
    check('upload count: 1' in page, 'the second page of uploads')
    run('upload_part', VAULT, upload, 'two', '1M', str(MIB + 6))
    run('upload_part', VAULT, upload, 'two', '0', str(MIB - 1))
    listed = run('list_part', VAULT, upload)
    check('Part count: 2' in listed and '0-1048575' in listed and '1048576-1048582' in listed, 'list_part: ' + listed)
    page = run('list_part', VAULT, upload, '--limit=1')
    check('Part count: 1' in page and '0-1048575' in page, 'the first page of parts')
    page = run('list_part', VAULT, upload, '--limit=1', '--marker=' + found('Marker: ([^\n]+)', page))
    check('Part count: 1' in page and '1048576-1048582' in page, 'the second page of parts')
    tree = found('tree_etag: ([0-9a-f]{64})', run('file_tree_etag', 'two'))
    fails('InvalidParameterValueException', 'complete_multipart_upload', VAULT, upload, '1M', tree)
    archive = archive_of(run('complete_multipart_upload', VAULT, upload, str(MIB + 7), tree))
    fails('InvalidParameterValueException', 'upload_part', VAULT, other, 'two', '5', str(MIB - 1))
    run('abort_multipart_upload', VAULT, other)
    fails(LOST, 'list_part', VAULT, other)
    return archive


def upload_killed_and_resumed():
    """100 MiB and 3 bytes, one part after the other; the process is killed, and the resume of the program goes on."""
    known, texts = None, []
    for _ in range(12):
        child = start('upload', VAULT, 'large', *(['--upload_id=' + known] if known else []))
        for line in iter(child.stdout.readline, b''):
            texts.append(line.decode('utf8'))
            if known is None and 'MultiPartUpload ID: ' in texts[-1]:
                known = upload_of(texts[-1])
            if 'Uploading part 4' in texts[-1]:
                # SIGKILL: the program cannot say good-bye to anything.
                os.kill(child.pid, signal.SIGKILL)
        _, errors = child.communicate()
        if child.returncode == -signal.SIGKILL:
            break
        check(not is_final(errors.decode('utf8')), 'upload: ' + errors.decode('utf8'))
    check(child.returncode == -signal.SIGKILL, 'the upload was killed')
    count = int(found(r'Part count: (\d+)', run('list_part', VAULT, known)))
    check(3 <= count < PARTS, '%d parts were stored' % count)
    for _ in range(12):
        status, text = once('upload', VAULT, 'large', '--upload_id=' + known)
        if status == 0:
            check('Resume last upload' in text and 'Uploading part 1...' not in text, 'what was stored is not sent again')
            return archive_of(text)
        check(not is_final(text), 'resume: ' + text)
    sys.exit('failed: resume: a dozen times')


def retrievals(one, two, large):
    job = create_job(one, '--desc=all', '--tier=Expedited')
    described = run('desc_job', VAULT, job)
    check('Action: ArchiveRetrieval' in described and 'StatusCode: Succeeded' in described, 'desc_job')
    fetch(job, area_of('one'))
    fetch(job, area_of('one', 3, 4), '--start=3', '--size=4')
    fetch(job, area_of('one', MIB - 5), '--start=' + str(MIB - 5))
    fetch(create_job(two, '--start=1M'), area_of('two', MIB))
    job = create_job(large)
    fetch(job, area_of('large'))
    fetch(job, area_of('large', LARGE - MIB), '--start=' + str(LARGE - MIB))
    fetch(create_job(large, '--start=16M', '--size=32M', '--tier=Bulk'), area_of('large', PART, 2 * PART))
    fails('InvalidParameterValueException', 'create_job', VAULT, one, '--start=1', '--size=2')
    fails('InvalidParameterValueException', 'fetch', VAULT, job, 'nothing', '--start=0', '--size=1G')
    fails(LOST, 'create_job', VAULT, 'never')
    fails(LOST, 'desc_job', VAULT, 'never')


def inventory(sizes):
    job = create_job()
    for _ in range(12):
        run('fetch', VAULT, job, 'inventory', '--force')
        try:
            document = json.loads(area_of('inventory').decode('utf8'))
            break
        except ValueError:
            check(scenario != 'none', 'the inventory is JSON')
    listed = dict((entry['ArchiveId'], entry['Size']) for entry in document['ArchiveList'])
    check(set(sizes.items()) <= set(listed.items()) and (scenario != 'none' or len(listed) == len(sizes)), 'the inventory')
    return [str(archive) for archive in listed]


def lists_of_jobs():
    jobs, marker, count = set(), [], 0
    while count < 10:
        page = run('list_job', VAULT, '--limit=3', *marker)
        jobs.update(re.findall('= JobId: ([-_A-Za-z0-9]{64}) =', page))
        count += 1
        following = found('Marker: ([^\n]+)', page)
        if following == 'None':
            break
        marker = ['--marker=' + following]
    check(len(jobs) == 5 and count == 2, '%d pages with %d jobs' % (count, len(jobs)))


check(port == '80', 'the program cannot be told a port, and asks at 80')
folder = tempfile.mkdtemp()
try:
    for name, size in (('empty', 0), ('one', MIB), ('two', MIB + 7), ('large', LARGE), ('medium', 2 * PART + 5)):
        write_pattern(name, size)
    configuration()
    vaults()
    one = small_archives()
    two = steps_of_an_upload()
    # What is too large for the file is halved until it fits; 48 MiB pass the program, but no service.
    medium = upload('medium', '--part-size=64M')
    fails('InvalidParameterValueException', 'upload', VAULT, 'large', '--part-size=48M')
    large = upload_killed_and_resumed()
    fails('BadRequest', 'delete_vault', VAULT)
    retrievals(one, two, large)
    archives = inventory({one: MIB, two: MIB + 7, medium: 2 * PART + 5, large: LARGE})
    lists_of_jobs()
    for archive in archives[1:]:
        check('Delete success' in run('delete_archive', VAULT, archive), 'delete_archive')
    run('rm', VAULT, archives[0])
    fails(LOST, 'delete_archive', VAULT, 'never')
    run('rm', VAULT)
    fails(LOST, 'delete_vault', VAULT)
finally:
    shutil.rmtree(folder)
print('ok')
