# guest.sh: builds tests/lib/guest.c with the kit's clang: guest_build FILE.wasm. To be sourced behind tap.sh.
# shellcheck shell=sh disable=SC2154

sdk=$("$WLPACK" kit which wasi-sdk 2>/dev/null) || skip_all "the wasi-sdk kit is not installed"

guest_build() {
    "$sdk/bin/clang" --target=wasm32-wasip1 --sysroot="$sdk/share/wasi-sysroot" --no-wasm-opt -O2 \
        -o "$1" "$top/tests/lib/guest.c"
}
