#!/bin/sh
# The memory that wlpack takes to make, push, copy, pull, save and load an image does not grow with the image, and stays below 32 MiB.
# tests/bench/memory measures the same at 60 and 600 MB.
. "${0%/*}/../lib/tap.sh"

for tool in docker-registry python3; do
    command -v "$tool" >/dev/null 2>&1 || skip_all "$tool is not installed"
done
# the sanitizers' own memory would be what is measured
! nm "$WLPACK" 2>/dev/null | grep -q __asan_init || skip_all "a build with AddressSanitizer"
small=10
large=100
run "$top/tests/bench/memory" $small $large
status_is 0 "it was measured"
for verb in image-zstd image push push-zstd copy pull save load save-docker load-docker inspect verify gc; do
    a=$(sed -n "s/^$verb $small //p" "$out")
    b=$(sed -n "s/^$verb $large //p" "$out")
    ok "$verb: $b KiB with $large MB, below 32 MiB" test "${b:-99999}" -le 32768
    # how many of a compressor's buffers a small layer uses depends on which thread is faster
    case $verb in image* | push-zstd) continue ;; esac
    ok "$verb: not more than with $small MB ($a KiB)" test "${b:-99999}" -le $((${a:-0} + 4096))
done
done_testing
