// The work behind scripts/php-tests:
//   php-tests.mjs run TARGET SOURCE OUT DRIVER JOBS CLI CGI -- FOLDER-or-TEST...
//     runs PHP's run-tests.php (of the tree SOURCE, by the PHP DRIVER) over folders or single tests in a copy of their own;
//     CLI and CGI are the programs under test. The tests of sapi/, which start PHP, are led by DRIVER too. Results: OUT/TARGET.tsv (test, outcome, kind), those of earlier runs of other
//     tests are kept; OUT/TARGET/ has diff and output of every test that failed.
//   php-tests.mjs folders SOURCE CLI
//     prints the folders with tests of all that the PHP CLI has built in.
//   php-tests.mjs unexpected OUT RUNTIME DIFFERENCES [FOLDER-or-TEST...]
//     prints the tests that report would complain of since they do not pass.
//   php-tests.mjs report OUT RUNTIME DIFFERENCES [FOLDER-or-TEST...]
//     compares RUNTIME's results with native's, prints the figures of each group and all that is not as the file DIFFERENCES has
//     it; writes OUT/RUNTIME.differences and OUT/RUNTIME.json. Fails when a difference is not in the list or one of the list is
//     none.
//   php-tests.mjs sample OUT COUNT
//     prints about COUNT tests that native passes, some of each group, the same ones each time; none of sapi/, whose scripts the
//     driver runs, which may be a PHP of another version there.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync, copyFileSync, cpSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, renameSync, rmSync, statSync, symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

const TEST_SECONDS = 120; // of processor time, each process
const WAIT_SECONDS = 3600; // without output: for a test that waits for ever; machines may be busy
const BATCH_TESTS = 120; // folders are put together until there are as many
const EXCERPT_BYTES = 64 << 10; // of each end of what a failed test wrote
const OUTCOMES = { PASSED: 'pass', FAILED: 'fail', SKIPPED: 'skip', XFAILED: 'xfail', WARNED: 'warn', BORKED: 'bork', LEAKED: 'leak' };

const byName = (a, b) => (a < b ? -1 : 1);
const lines = (file) => readFileSync(file, 'utf8').split('\n').filter(Boolean);

// The folder that a test hands over to, if it does.
const redirect = (tree, test) => /^--REDIRECTTEST--[^]*'TESTS' => __DIR__ \. '\/(.*?)'/m.exec(readFileSync(join(tree, test), 'latin1'))?.[1];

// Every .phpt below, relative to the tree. A test that is not there is one of those that a test there hands over to: that one.
function list(tree, path) {
  if (path.endsWith('.phpt') && !existsSync(join(tree, path))) {
    return list(tree, dirname(path)).filter((name) => redirect(tree, name));
  }
  if (path.endsWith('.phpt')) {
    return [path];
  }
  return readdirSync(join(tree, path), { withFileTypes: true }).flatMap((entry) => {
    const name = `${path}/${entry.name}`;
    return entry.isDirectory() ? list(tree, name) : name.endsWith('.phpt') ? [name] : [];
  });
}

// The folder that has to be copied for a test: up to the last "tests" near the root (Zend/tests, ext/date/tests).
function home(path) {
  const parts = path.split('/');
  const at = parts.indexOf('tests');
  if (at < 0) {
    throw new Error(`php-tests: ${path} is in no folder of tests`);
  }
  return parts.slice(0, at + 1).join('/');
}

// What figures are given for: Zend/tests, tests, ext/NAME, sapi/NAME.
const group = (test) => (/^(ext|sapi)\//.test(test) ? test.split('/').slice(0, 2).join('/') : home(test));

// Lists of tests, whole folders each (tests of one folder share files), the long ones first.
function batches(tests) {
  const folders = new Map();
  for (const test of tests) {
    const folder = dirname(test);
    folders.set(folder, [...(folders.get(folder) ?? []), test]);
  }
  const result = [];
  for (const folder of [...folders.values()].sort((a, b) => b.length - a.length)) {
    const small = result.at(-1);
    if (small && small.length + folder.length <= BATCH_TESTS) {
      small.push(...folder);
    } else {
      result.push([...folder]);
    }
  }
  return result;
}

// How a failed test failed, from its output.
function kind(output) {
  // by SIGALRM or SIGXCPU
  if (/\*\* ERROR: process timed out \*\*|Termsig=(14|24)\b/.test(output)) return 'timeout';
  if (/Termsig=25\b/.test(output)) return 'fail'; // SIGXFSZ: output without end
  if (/Termsig=|run-node: trap|\[error\] (execution failed|.*[Tt]rap)|wasm trap/.test(output)) return 'crash';
  return 'fail';
}

// The beginning of a file, and its end when it is long.
function excerpt(file) {
  const size = statSync(file).size;
  const handle = openSync(file, 'r');
  const part = (from, length) => {
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, readSync(handle, buffer, 0, length, from)).toString('latin1');
  };
  const text = size <= 2 * EXCERPT_BYTES ? part(0, size) : `${part(0, EXCERPT_BYTES)}\n[...]\n${part(size - EXCERPT_BYTES, EXCERPT_BYTES)}`;
  closeSync(handle);
  return text;
}

function run(command, argv, options) {
  return new Promise((resolve) => {
    const child = spawn(command, argv, options);
    child.on('close', (code, signal) => resolve(signal ?? code));
  });
}

async function runTests(target, source, out, driver, jobs, cli, cgi, paths) {
  const tests = [...new Set(paths.flatMap((path) => list(source, path)))].sort(byName);
  const work = join(out, 'work', `${target}-${process.pid}`);
  const tree = join(work, 'tree');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  const handed = new Map(tests.map((name) => [name, redirect(source, name)]).filter(([, to]) => to));
  for (const folder of new Set([...tests.map(home), ...handed.values()])) {
    cpSync(join(source, folder), join(tree, folder), { recursive: true, preserveTimestamps: true });
  }
  for (const name of readdirSync(source).filter((entry) => /^(run-tests\.php|php\.ini-.*)$/.test(entry))) {
    copyFileSync(join(source, name), join(tree, name));
  }
  // where tests of the CGI look for it, seen from the CLI
  for (const [name, program] of [['sapi/cli/php', cli], ['sapi/cgi/php-cgi', cgi]]) {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    symlinkSync(program, join(tree, name));
  }
  // The tests in sapi/ are scripts that start the PHP under test: their own PHP is the driver.
  const outer = join(work, 'outer');
  writeFileSync(outer, `#!/bin/sh\nTEST_PHP_EXECUTABLE='${tree}/sapi/cli/php' TEST_PHP_CGI_EXECUTABLE='${cgi}' exec '${driver}' "$@"\n`, { mode: 0o755 });
  const isSapi = (name) => name.startsWith('sapi/');
  const kept = join(out, target);
  const outcomes = new Map();
  const todo = [...batches(tests.filter(isSapi)), ...batches(tests.filter((name) => !isSapi(name)))];
  let done = 0;

  // run-tests.php over these; which of them have no outcome then
  async function attempt(own, names) {
    rmSync(join(own, 'results'), { force: true });
    writeFileSync(join(own, 'list'), names.map((name) => `${tree}/${name}\n`).join(''));
    const env = {
      ...process.env, TMPDIR: join(own, 'tmp'), TEMP: join(own, 'tmp'), NO_COLOR: '1', TEST_PHP_EXECUTABLE: isSapi(names[0]) ? outer : cli, TEST_PHP_CGI_EXECUTABLE: cgi,
      NO_INTERACTION: '1', SKIP_PERF_SENSITIVE: '1', REPORT_EXIT_STATUS: '0', PHP_GUEST_SECONDS: `${TEST_SECONDS}`,
    };
    for (const name of ['LC_ALL', 'LANG', 'TZ', 'MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'MAKEOVERRIDES']) {
      delete env[name];
    }
    const argv = ['-n', '-d', 'memory_limit=2G', 'run-tests.php', '-q', '--offline', ...(process.env.SLOW ? [] : ['-x']),
      '--set-timeout', `${WAIT_SECONDS}`, '-W', join(own, 'results'), '-r', join(own, 'list')];
    const log = join(own, 'log');
    const script = 'ulimit -t "$1" && log=$2 && shift 2 && exec "$@" >"$log" 2>&1 </dev/null';
    const ended = await run('sh', ['-c', script, '-', `${TEST_SECONDS}`, log, driver, ...argv], { cwd: tree, env, stdio: 'inherit' });
    for (const line of existsSync(join(own, 'results')) ? lines(join(own, 'results')) : []) {
      const [word, path] = line.split('\t');
      const [, by, file] = /^(?:# (.*?): )?(.*)$/.exec(path);
      // named after the test that handed over, as each may do so with settings of its own
      const name = by ? `${dirname(by)}/${basename(file)}` : file;
      outcomes.set(name.replace(`${tree}/`, ''), OUTCOMES[word] ?? word.toLowerCase());
    }
    // a test that hands over to others has no outcome of its own
    const lost = names.filter((name) => !outcomes.has(name) && !handed.has(name));
    if (lost.length > 0) {
      console.error(`${target}: run-tests.php ended with ${ended} before ${lost[0]} and ${lost.length - 1} more; its last words:\n${readFileSync(log, 'latin1').slice(-1000)}`);
    }
    return lost;
  }

  // What is without outcome is tried again; lost is only a test that run-tests.php has no outcome of when it begins with it.
  async function batch(number, names) {
    const own = join(work, `batch-${number}`);
    mkdirSync(join(own, 'tmp'), { recursive: true });
    let untried = names;
    while (untried.length > 0) {
      const lost = await attempt(own, untried);
      if (lost[0] === untried[0]) {
        outcomes.set(lost.shift(), 'lost');
      }
      untried = lost;
    }
    done += names.length;
    console.error(`${target}: ${done} of ${tests.length}`);
  }

  let number = 0;
  await Promise.all(Array.from({ length: jobs }, async () => {
    while (todo.length > 0) {
      await batch(number++, todo.shift());
    }
  }));

  const file = join(out, `${target}.tsv`);
  const records = new Map(existsSync(file) ? lines(file).map((line) => [line.split('\t')[0], line]) : []);
  const again = new Set(tests);
  for (const name of records.keys()) {
    if (again.has(name)) records.delete(name);
  }
  for (const [name, outcome] of outcomes) {
    const stem = join(tree, name.replace(/\.phpt$/, ''));
    const copy = join(kept, name.replace(/\.phpt$/, ''));
    for (const end of ['.diff', '.out']) {
      rmSync(copy + end, { force: true });
    }
    let how = outcome;
    if (outcome !== 'pass' && outcome !== 'skip' && existsSync(`${stem}.out`)) {
      how = outcome === 'fail' ? kind(excerpt(`${stem}.out`)) : outcome;
      mkdirSync(dirname(copy), { recursive: true });
      for (const end of ['.diff', '.out'].filter((ending) => existsSync(stem + ending))) {
        writeFileSync(copy + end, excerpt(stem + end), 'latin1');
      }
    }
    records.set(name, `${name}\t${outcome}\t${how}`);
  }
  writeFileSync(`${file}.new`, [...records.values()].sort(byName).map((line) => `${line}\n`).join(''));
  renameSync(`${file}.new`, file);
  if (!process.env.KEEP) {
    rmSync(work, { recursive: true, force: true });
  }
}

function folders(source, cli) {
  const shown = spawnSync(cli, ['-n', '-m'], { encoding: 'utf8' });
  if (shown.status !== 0) {
    throw new Error(`php-tests: ${cli} -m failed`);
  }
  const modules = shown.stdout.split('\n').filter((name) => name && name[0] !== '[').map((name) => `ext/${name.toLowerCase().replace('zend opcache', 'opcache')}/tests`);
  for (const folder of ['Zend/tests', 'tests', 'sapi/cli/tests', 'sapi/cgi/tests', ...modules]) {
    if (existsSync(join(source, folder))) console.log(folder);
  }
}

// test -> [outcome, kind]
function results(out, target) {
  const file = join(out, `${target}.tsv`);
  if (!existsSync(file)) {
    throw new Error(`php-tests: no results of ${target} in ${out}`);
  }
  return new Map(lines(file).map((line) => line.split('\t')).map(([name, outcome, how]) => [name, [outcome, how]]));
}

const isWanted = (name, paths) => paths.length === 0 || paths.some((path) => name === path || name.startsWith(`${path}/`));

// The list of differences: test, [RUNTIME:]kind, class and reason, parted by tabs; # begins a comment.
function expectations(file, runtime) {
  const found = new Map();
  for (const line of existsSync(file) ? lines(file).filter((text) => text[0] !== '#') : []) {
    const [name, where, what, reason] = line.split('\t');
    if (!reason) {
      throw new Error(`${file}: not four fields: ${line}`);
    }
    const [only, how] = where.includes(':') ? where.split(':') : [runtime, where];
    if (only === runtime) {
      found.set(name, { how, what, reason });
    }
  }
  return found;
}

// The tests that native passes, ours do not and the list does not expect to: those that a moment's load may have failed.
function unexpected(out, runtime, file, paths) {
  const ours = results(out, runtime);
  const expected = expectations(file, runtime);
  for (const [name, [outcome]] of results(out, 'native')) {
    const how = ours.get(name)?.[1];
    if (outcome === 'pass' && how && how !== 'pass' && expected.get(name)?.how !== how && isWanted(name, paths)) console.log(name);
  }
}

function report(out, runtime, file, paths) {
  const native = results(out, 'native');
  const ours = results(out, runtime);
  const expected = expectations(file, runtime);
  const groups = new Map();
  const classes = new Map();
  const differences = [];
  const complaints = [];
  for (const [name, [outcome]] of native) {
    if (!isWanted(name, paths)) continue;
    const figures = groups.get(group(name)) ?? { tests: 0, native: 0, ours: 0, listed: 0, fail: 0, skip: 0, crash: 0, timeout: 0 };
    groups.set(group(name), figures);
    figures.tests++;
    const how = ours.get(name)?.[1] ?? 'not run';
    const known = expected.get(name);
    if (outcome !== 'pass') {
      if (known) complaints.push(`listed, but native does not pass it: ${name} (${outcome})`);
      continue;
    }
    figures.native++;
    if (how === 'pass') {
      figures.ours++;
      if (known) complaints.push(`listed, but passes: ${name}`);
      continue;
    }
    figures[how in figures ? how : 'fail']++;
    differences.push(`${name}\t${how}\t${known?.what ?? ''}\t${known?.reason ?? ''}`);
    if (known?.how === how) {
      figures.listed++;
      classes.set(known.what, (classes.get(known.what) ?? 0) + 1);
    } else {
      complaints.push(known ? `listed as ${known.how}, but ${how}: ${name}` : `not listed: ${name} (${how})`);
    }
  }
  const total = { tests: 0, native: 0, ours: 0, listed: 0, fail: 0, skip: 0, crash: 0, timeout: 0 };
  for (const figures of groups.values()) {
    for (const key of Object.keys(total)) total[key] += figures[key];
  }
  const row = (name, f) => [name.padEnd(18), ...[f.tests, f.native, f.ours].map((n) => `${n}`.padStart(7)),
    (f.native ? ((100 * f.ours) / f.native).toFixed(2) : '-').padStart(7), ...[f.fail, f.skip, f.crash, f.timeout, f.listed].map((n) => `${n}`.padStart(7))].join(' ');
  console.log(`${'folder'.padEnd(18)}   tests  native    ours       %    fail    skip   crash timeout  listed`);
  for (const [name, figures] of [...groups].sort(([a], [b]) => byName(a, b))) {
    console.log(row(name, figures));
  }
  console.log(row(`all, ${runtime}`, total));
  // what a runtime without processes (and sockets) can pass at all
  const share = (without) => {
    const of = total.native - without.reduce((sum, what) => sum + (classes.get(what) ?? 0), 0);
    return `${total.ours} of ${of}, ${((100 * total.ours) / of).toFixed(2)} %`;
  };
  console.log(`of those that need no process: ${share(['process'])}; nor sockets: ${share(['process', 'sockets'])}`);
  for (const [what, count] of [...classes].sort((a, b) => b[1] - a[1])) {
    console.log(`  ${`${count}`.padStart(4)} ${what}`);
  }
  for (const line of complaints) {
    console.log(line);
  }
  writeFileSync(join(out, `${runtime}.differences`), differences.map((line) => `${line}\n`).join(''));
  writeFileSync(join(out, `${runtime}.json`), `${JSON.stringify({ runtime, total, groups: Object.fromEntries(groups), classes: Object.fromEntries(classes), complaints }, null, 1)}\n`);
  return complaints.length === 0;
}

function sample(out, count) {
  const passed = [...results(out, 'native')].filter(([name, [outcome]]) => outcome === 'pass' && !name.startsWith('sapi/')).map(([name]) => name);
  const folders = new Map();
  for (const name of passed) {
    folders.set(group(name), [...(folders.get(group(name)) ?? []), name]);
  }
  const rank = (name) => createHash('sha256').update(name).digest('hex');
  const chosen = [...folders.values()].flatMap((names) => names.sort((a, b) => byName(rank(a), rank(b))).slice(0, Math.ceil((names.length * count) / passed.length)));
  for (const name of chosen.sort(byName)) {
    console.log(name);
  }
}

const [verb, ...rest] = process.argv.slice(2);
if (verb === 'run') {
  const [target, source, out, driver, jobs, cli, cgi, , ...paths] = rest;
  await runTests(target, source, out, driver, Number(jobs), cli, cgi, paths);
} else if (verb === 'folders') {
  folders(...rest);
} else if (verb === 'unexpected') {
  const [out, runtime, file, ...paths] = rest;
  unexpected(out, runtime, file, paths);
} else if (verb === 'report') {
  const [out, runtime, file, ...paths] = rest;
  process.exitCode = report(out, runtime, file, paths) ? 0 : 1;
} else if (verb === 'sample') {
  sample(rest[0], Number(rest[1]));
} else {
  console.error(`php-tests: no '${verb}' (see scripts/${basename(process.argv[1])})`);
  process.exit(2);
}
