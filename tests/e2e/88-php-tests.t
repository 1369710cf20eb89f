#!/bin/sh
# PHP's own tests in the precompiled module: a sample of all folders and every test that ever failed here, against what native
# PHP says (tests/php/BRANCH; `make php-tests` has the whole suite). WLPACK_TEST_PHP: another recipe than php-7.4.33.
# shellcheck disable=SC2154 # top, out and err come from tap.sh
. "${0%/*}/../lib/tap.sh"
unset WLPACK_HOME
recipe=${WLPACK_TEST_PHP:-php-7.4.33}
branch=$(printf '%s\n' "${recipe#php-}" | cut -d . -f 1,2)
list=$top/tests/php/$branch

command -v php >/dev/null || skip_all "no php to lead run-tests.php: scripts/setup test"
run wlpack build "$recipe" --until aot --output "$T/out"
status_is 0 "wlpack build $recipe --until aot"

cat "$list/sample" "$list/once-broken" | grep -v '^#' | sort -u >"$T/sample"
JOBS=$(nproc) OUT=$T/results SAMPLE=$T/sample MODULES=$T/out/$recipe/bin BUILD=${WLPACK%/*} "$top/scripts/php-tests" "$recipe" wasmedge >"$T/report" 2>"$err"
status=$?
sed 's/^/# /' "$T/report"
[ "$status" -eq 0 ] || sed 's/^/# /' "$err"
ok "$(wc -l <"$T/sample") of PHP's tests: as on native PHP, or listed in tests/php/$branch/differences" test "$status" -eq 0
ok "and nine in ten of them pass" test "$(grep -c '	pass	' "$T/results/wasmedge.tsv")" -gt $(($(wc -l <"$T/sample") * 9 / 10))

done_testing
