#!/bin/sh
# The later branches of PHP for real: the recipe is built into the user's own store, with what it has to answer to php -m, then
# asked what its branch is about, then the fidelity gate on WasmEdge precompiled.
# WLPACK_TEST_PHP: recipes instead of php-8.2.32; WLPACK_TEST_NODE set: the gate on Node as well. `make php-8` sets both.
. "${0%/*}/../lib/tap.sh"
unset WLPACK_HOME
output=$T/out
WASMEDGE=$(wlpack kit which wasmedge wasmedge)
export WASMEDGE

# gate RUNTIME END-OF-MODULE [NAME...]
gate() {
    runtime=$1 cli=$bin/php$2 cgi=$bin/php-cgi$2
    shift 2
    "$top/scripts/fidelity" "$runtime" "$cli" "$cgi" "$@" >"$T/gate" 2>"$err" </dev/null
    sed -n 's/^#/&/p' "$T/gate"
    n=$(grep -c '^ok ' "$T/gate")
    bad=$(grep '^not ok ' "$T/gate")
    ok "$recipe: fidelity gate, $runtime: all $n pass" test -z "$bad" -a "$n" -gt 20
}

# one_branch RECIPE
one_branch() {
    recipe=$1
    version=${recipe#php-}
    bin=$output/$recipe/bin
    run wlpack build "$recipe" --output "$output"
    status_is 0 "wlpack build $recipe"
    [ "$status" -eq 0 ] || return
    for file in php.wasm php-aot.wasm php-cgi.wasm php-cgi-aot.wasm php-server.wasm php-server-aot.wasm; do
        ok "$recipe: $file is handed out" test -s "$bin/$file"
    done
    records=$(cut -f 2 "$out")
    for image in cli cli-aot cgi cgi-aot server server-aot; do
        ok "$recipe: the image php:$version-$image is among the records" sh -c "printf '%s\n' \"\$1\" | grep -qx 'php:$version-$image'" - "$records"
    done

    # what is in them: the portable module, and for the variant the one with native code
    variant=amd64
    [ "$(uname -m)" != aarch64 ] || variant=arm64
    for image in cli cgi server; do
        name=php
        [ "$image" = cli ] || name=php-$image
        run wlpack inspect "php:$version-$image-aot"
        is "$(sed -n 's/^platform  *//p' "$out" | tr '\n' ' ')" "wasi/wasm wasi/wasm/$variant " "$recipe: php:$version-$image-aot: its platforms"
        is "$(sed -n 's|^ *-0755 *\([0-9]*\) */php\.wasm$|\1|p' "$out" | tr '\n' ' ')" \
            "$(wc -c <"$bin/$name.wasm") $(wc -c <"$bin/$name-aot.wasm") " "$recipe: and their modules"
        run wlpack run "php:$version-$image-aot" -- -v
        out_like "^PHP $version " "$recipe: it runs"
    done

    php() { run wlpack run --output "$output" "$recipe" -- -r "$1"; }
    php 'echo PHP_VERSION, " ", PHP_INT_SIZE, " ", PHP_OS, " ", php_uname(), "\n";'
    out_is "$version 8 wasi wasi (none) 0.0.0 0.0.0 wasm32" "$recipe: version, 64-bit integers and the target's names"
    php 'function f() { try { exit(3); } finally { echo "never"; } } f();'
    status_is 3 "$recipe: exit(3) inside a function gives 3"
    is "$(cat "$out")" "" "$recipe: and runs no finally"
    php 'echo strlen(random_bytes(1000)), " ", strlen((new Random\Randomizer)->getBytes(300)), "\n";'
    out_is "1000 300" "$recipe: the system's random numbers"
    php 'enum Suit: string { case Hearts = "H"; } readonly class P { function __construct(public Suit $s) {} }
        echo match (true) { default => (new P(Suit::from("H")))->s->name }, "\n";'
    out_is "Hearts" "$recipe: enums, readonly classes, match"
    php '$f = new Fiber(function ($x) { $y = Fiber::suspend($x + 1); try { Fiber::suspend($y . "!"); } catch (Exception $e) { return $e->getMessage(); } });
        echo $f->start(1), " ", $f->resume("two"), " "; $f->throw(new Exception("end")); echo $f->getReturn(), "\n";'
    out_is "2 two! end" "$recipe: fibers"
    php '$f = new Fiber(function () { array_map(fn() => Fiber::suspend(), [1]); }); try { $f->start(); } catch (FiberError $e) { echo $e->getMessage(), "\n"; }'
    out_is "Cannot suspend in a callback of an internal function on this platform" "$recipe: where a fiber cannot be suspended, it says so"
    php 'class C { public $s; function __construct() { $this->s = $this; } function __destruct() { echo "d"; try { Fiber::suspend(); } catch (FiberError $e) { echo "!"; } } }
        $f = new Fiber(function () { for ($i = 0; $i < 2; $i++) { new C; new C; gc_collect_cycles(); echo " "; Fiber::suspend(); } });
        $f->start(); $f->resume(); $f->resume(); echo "end\n";'
    out_is "d!d! d!d! end" "$recipe: destructors of cycles that are collected in a fiber"
    case $version in
    8.4.*)
        php 'class P { public private(set) int $x = 3; public string $n { get => "hook"; set { throw new Error("no"); } } }
            $p = new P; try { $p->x = 4; } catch (Error $e) { echo $e->getMessage(), " ", $p->n, " ", array_find([1, 2, 3], fn($v) => $v > 1), " ", new P()->x, "\n"; }'
        out_is 'Cannot modify private(set) property P::$x from global scope hook 2 3' "$recipe: property hooks, asymmetric visibility, new without parentheses"
        ;;
    esac

    gate wasmedge -aot.wasm
    # without cli/deep-recursion, as for 7.4
    # shellcheck disable=SC2046 # names without blanks
    [ -z "${WLPACK_TEST_NODE:-}" ] || gate node .wasm \
        $(cd "$top/tests/fidelity" && ls cli/*.php cgi/*.php | sed 's/\.php$//' | grep -v '^cli/deep-recursion$')
}

for recipe in ${WLPACK_TEST_PHP:-php-8.2.32}; do
    one_branch "$recipe"
done
done_testing
