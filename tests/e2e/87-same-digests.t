#!/bin/sh
# Reproducible: PHP built in another folder, with another store, another number of jobs and at another time gives the same modules.
. "${0%/*}/../lib/tap.sh"

# The first build: the user's own store. The second: a store and an output folder of its own, nothing shared but the kits and the source.
run env -u WLPACK_HOME "$WLPACK" build php-7.4.33 --until optimize --output "$T/one"
status_is 0 "the build in the user's store"
run wlpack build php-7.4.33 --until optimize --output "$T/some/where/else" --jobs 3
status_is 0 "a build of its own"
for file in php.wasm php-cgi.wasm; do
    ok "$file: the same bytes" cmp -s "$T/one/php-7.4.33/bin/$file" "$T/some/where/else/php-7.4.33/bin/$file"
done

done_testing
