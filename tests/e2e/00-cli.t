#!/bin/sh
# The command line itself: help, version, usage errors.
. "${0%/*}/../lib/tap.sh"

run wlpack --help
status_is 0 "--help succeeds"
out_like '^usage: wlpack' "help says how to use it"
is "$(wc -c <"$err")" 0 "and nothing goes to stderr"

run wlpack
status_is 2 "no verb: a usage error"

run wlpack version
status_is 0 "version"
out_like '^wlpack [0-9]+\.[0-9]+\.[0-9]+$' "one line with the version"
run wlpack --version
out_like '^wlpack [0-9]' "--version too"
run wlpack version --json
out_like '^\{"name":"wlpack","version":"[0-9.]+"\}$' "and as JSON"

run wlpack nosuchverb
status_is 2 "an unknown verb"
err_like 'no verb "nosuchverb"' "is named"

run wlpack version --nosuch
status_is 2 "an unknown option"
err_like 'unknown option "--nosuch".*wlpack version --help' "is named, with the way out"

run wlpack version extra
status_is 2 "an argument too many"

# Every verb of the table explains itself and is in the man page.
for verb in $(wlpack --help | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    run wlpack "$verb" --help
    status_is 0 "$verb --help succeeds"
    out_like "^usage: wlpack $verb" "$verb --help shows its usage"
    ok "$verb is in the man page" grep -q "^\.SS .*wlpack $verb" "$top/man/wlpack.1"
done

is "$(grep -n "^[.']" "$top/man/wlpack.1" | grep -vE '^[0-9]+:\.(TH|SH|SS|TP|PP|B|I|BR|RB|BI|IB|IR|RI|nf|fi)( |$)')" "" \
    "no line of the man page is lost as an unknown request"

run sh -c "'$WLPACK' version >/dev/full"
status_is 1 "a full disk behind stdout is an error"
err_like 'cannot write the results' "and says so"

# Installed anywhere, the program finds what came with it.
mkdir -p "$T/prefix/bin" "$T/prefix/share/wlpack"
cp "$WLPACK" "$T/prefix/bin/wlpack"
cp -R "$top/recipes" "$top/patches" "$top/scripts" "$T/prefix/share/wlpack/"
cd "$T" || exit 1
run env -u WLPACK_RECIPES "$T/prefix/bin/wlpack" recipes
out_like '^php-7\.4\.33	' "an installed program finds its recipes"

done_testing
