// run-node.mjs [--dir GUEST=HOST]... [--env NAME=VALUE]... -- MODULE.wasm ARGS...
//
// Runs a WASI preview 1 module under Node (20 or later). The guest sees its arguments, the folders and the
// environment given, and the standard streams: nothing of ours. The exit code is the guest's; 134 after a trap,
// as with every other runtime, with one line on stderr.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

// The global `process`, never an import of node:process: that one opens process.stdout, which makes a pipe non-blocking,
// and the guest's writes then fail as soon as the reader is slow.
//
// node:wasi calls itself experimental on stderr, which belongs to the guest
process.removeAllListeners('warning');
const { WASI } = await import('node:wasi');

const TRAP = 134; // 128 + SIGABRT

function usage(text) {
    process.stderr.write(`run-node: ${text}\n`);
    process.exit(2);
}

function pair(text, what) {
    const at = text === undefined ? -1 : text.indexOf('=');
    if (at < 1) {
        usage(`${what} takes NAME=VALUE`);
    }
    return [text.slice(0, at), text.slice(at + 1)];
}

const preopens = {};
const env = {};
const argv = process.argv.slice(2);
let module;
while (argv.length > 0 && module === undefined) {
    const word = argv.shift();
    if (word === '--dir') {
        const [guest, host] = pair(argv.shift(), word);
        preopens[guest] = host;
    } else if (word === '--env') {
        const [name, value] = pair(argv.shift(), word);
        env[name] = value;
    } else if (word === '--') {
        module = argv.shift();
    } else {
        usage(`unknown option ${word}`);
    }
}
if (module === undefined) {
    usage('no module; usage: run-node.mjs [--dir GUEST=HOST] [--env NAME=VALUE] -- MODULE.wasm ARGS...');
}

const wasi = new WASI({
    version: 'preview1',
    args: [basename(module), ...argv],
    env,
    preopens,
    returnOnExit: true,
});
try {
    const compiled = await WebAssembly.compile(readFileSync(module));
    const imports = wasi.getImportObject();
    // Node's own throws through the guest's frames to get here, and V8 11.3 crashes then when the guest's memory has
    // grown large meanwhile
    imports.wasi_snapshot_preview1.proc_exit = (code) => process.exit(code);
    const instance = await WebAssembly.instantiate(compiled, imports);
    process.exitCode = wasi.start(instance);
} catch (error) {
    // a deep recursion of the guest is a RangeError here
    const trap = error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
    process.stderr.write(`run-node: ${trap ? 'trap' : basename(module)}: ${error.message}\n`);
    process.exitCode = trap ? TRAP : 1;
}
