// Runs PHP's own .phpt tests in a WASI module:
//   node php-zend-tests.mjs TREE FOLDER JOBS COMMAND... -- (see scripts/php-zend-tests)
// COMMAND runs the module with %DIR% (host) given as the guest's /. Prints one line for each test that fails, and at
// the end "passed N of M (S skipped, F failed, X failed as expected)".
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const LIMIT_MS = 120000;
const OUTPUT_BYTES = 8 << 20;
const INI = [
  'output_handler=', 'open_basedir=', 'disable_functions=', 'output_buffering=Off', 'error_reporting=32767', 'display_errors=1',
  'display_startup_errors=1', 'log_errors=0', 'html_errors=0', 'report_memleaks=1', 'docref_root=', 'docref_ext=.html',
  'error_prepend_string=', 'error_append_string=', 'auto_prepend_file=', 'auto_append_file=', 'ignore_repeated_errors=0',
  'precision=14', 'memory_limit=128M', 'log_errors_max_len=0', 'zend.assertions=1', 'zend.exception_ignore_args=0',
];

const [tree, folder, jobs, ...command] = process.argv.slice(2);
const work = mkdtempSync(join(tmpdir(), 'phpt-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
cpSync(join(tree, folder), join(work, 'src', folder), { recursive: true });
mkdirSync(join(work, 'tmp'));

function list(dir) {
  return readdirSync(join(work, dir), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap((entry) => {
    const path = `${dir}/${entry.name}`;
    return entry.isDirectory() ? list(path) : path.endsWith('.phpt') ? [path] : [];
  });
}

function sections(path) {
  const found = {};
  let name;
  for (const line of readFileSync(join(work, path), 'latin1').split(/(?<=\n)/)) {
    const head = /^--([_A-Z]+)--/.exec(line);
    if (head) {
      name = head[1];
      found[name] = '';
    } else if (name) {
      found[name] += line;
    }
  }
  return found;
}

// as run-tests.php has it, with PHP's idea of blanks
const trim = (text) => text.replaceAll('\r\n', '\n').replace(/^[ \t\n\r\0\x0B]+|[ \t\n\r\0\x0B]+$/g, '');

function run(script, ini, args, env, input) {
  return new Promise((resolve) => {
    const argv = command.flatMap((word) => (word === '%ENV%' ? env.flatMap((pair) => ['--env', pair]) : [word.replace('%DIR%', work)]));
    const child = spawn(argv[0], [...argv.slice(1), ...[...INI, ...ini].flatMap((value) => ['-d', value]), '-f', `/${script}`,
      ...(args.length ? ['--', ...args] : [])]);
    let output = '';
    const add = (data) => { if (output.length < OUTPUT_BYTES) output += data.toString('latin1'); };
    const timer = setTimeout(() => { output += '\n** timeout **\n'; child.kill('SIGKILL'); }, LIMIT_MS);
    child.stdout.on('data', add);
    child.stderr.on('data', add);
    child.stdin.on('error', () => {});
    child.stdin.end(input, 'latin1');
    child.on('close', () => { clearTimeout(timer); resolve(trim(output)); });
  });
}

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
const FORMATS = {
  e: '\\/', s: '[^\\r\\n]+', S: '[^\\r\\n]*', a: '[^]+', A: '[^]*', w: '\\s*', i: '[+-]?\\d+', d: '\\d+', x: '[0-9a-fA-F]+',
  f: '[+-]?\\.?\\d+\\.?\\d*(?:[Ee][+-]?\\d+)?', c: '[^]', '%': '%', 0: '\\x00',
};

function expectation(test) {
  if (test.EXPECT !== undefined) {
    const wanted = trim(test.EXPECT);
    return (output) => output === wanted;
  }
  if (test.EXPECTREGEX !== undefined) {
    const regex = new RegExp(`^${trim(test.EXPECTREGEX).replaceAll('\\h', '[ \\t]')}$`, 's');
    return (output) => regex.test(output);
  }
  const parts = trim(test.EXPECTF ?? '').split('%r');
  const source = parts.map((part, i) => (i % 2 ? `(?:${part})`
    : part.split(/(%[a-zA-Z%0])/).map((piece) => (piece[0] === '%' && FORMATS[piece[1]] && piece.length === 2 ? FORMATS[piece[1]] : escape(piece))).join(''))).join('');
  const regex = new RegExp(`^${source}$`);
  return (output) => regex.test(output);
}

const counts = { passed: 0, failed: 0, skipped: 0, xfailed: 0 };
const NOT_HERE = ['POST', 'POST_RAW', 'GZIP_POST', 'PUT', 'GET', 'COOKIE', 'CGI', 'PHPDBG', 'REDIRECTTEST', 'FILE_EXTERNAL'];

async function one(path) {
  const test = sections(path);
  const script = path.replace(/t$/, '');
  const lines = (text) => (text ?? '').split('\n').map((line) => line.trim()).filter(Boolean);
  const folderOf = `/${dirname(path)}`;
  const ini = lines(test.INI).map((line) => line.replace(/\s*=\s*/, '=').replaceAll('{PWD}', folderOf));
  const code = test.FILE ?? test.FILEEOF?.replace(/\r?\n$/, '');
  if (code === undefined || NOT_HERE.some((name) => test[name] !== undefined)) {
    counts.skipped++;
    return;
  }
  if (test.SKIPIF?.trim()) {
    writeFileSync(join(work, `${script}.skip.php`), test.SKIPIF, 'latin1');
    const answer = await run(`${script}.skip.php`, ini, [], [], '');
    if (/^\s*skip/i.test(answer)) {
      counts.skipped++;
      return;
    }
    if (/^\s*xfail/i.test(answer)) {
      test.XFAIL = answer;
    }
  }
  writeFileSync(join(work, script), code, 'latin1');
  const output = await run(script, ini, lines(test.ARGS).flatMap((line) => line.split(/\s+/)), lines(test.ENV), test.STDIN ?? '');
  let good;
  try { good = expectation(test)(output); } catch { good = false; }
  if (good) {
    counts.passed++;
  } else if (test.XFAIL !== undefined) {
    counts.xfailed++;
  } else {
    counts.failed++;
    console.log(`FAIL ${path}: ${(test.TEST ?? '').trim()}`);
    if (process.env.PHPT_OUTPUT) {
      const file = join(process.env.PHPT_OUTPUT, path.replaceAll('/', '_'));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, output, 'latin1');
    }
  }
}

const todo = list(`src/${folder}`); // tests expect something in front of the folder
const total = todo.length;
await Promise.all(Array.from({ length: Number(jobs) }, async () => {
  while (todo.length > 0) {
    await one(todo.shift());
  }
}));
console.log(`passed ${counts.passed} of ${total} (${counts.skipped} skipped, ${counts.failed} failed, ${counts.xfailed} failed as expected)`);
process.exitCode = counts.failed ? 1 : 0;
