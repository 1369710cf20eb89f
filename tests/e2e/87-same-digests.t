#!/bin/sh
# Reproducible: libraries, and PHP in its slim flavour, built in another folder, with another store, another number of jobs and at
# another time give the same files.
. "${0%/*}/../lib/tap.sh"

# twice ARGS...: builds into the user's own store, then with a store and an output folder of its own, nothing shared but the kits and
# the source; compares what comes out, a library's tree and the modules.
twice() {
    run env -u WLPACK_HOME "$WLPACK" build "$@" --output "$T/one"
    status_is 0 "$*: the build in the user's store"
    digests=$(cut -f 1,3,4 "$out")
    run wlpack build "$@" --output "$T/some/where/else" --jobs 3
    status_is 0 "$*: a build of its own"
    is "$(cut -f 1,3,4 "$out")" "$digests" "$*: the same digests"
}

for library in libxml2-2.9.14 sqlite-3.46.1 oniguruma-6.9.9; do
    twice $library
done
twice php-7.4.33 --flavour slim --until optimize
for file in php.wasm php-cgi.wasm php-server.wasm; do
    ok "$file: the same bytes" cmp -s "$T/one/php-7.4.33.slim/bin/$file" "$T/some/where/else/php-7.4.33.slim/bin/$file"
done

done_testing
