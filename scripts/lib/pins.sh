# shellcheck shell=sh disable=SC2034
# Every version and checksum that set-up takes from outside, in one place.

# --- upstream releases: version, URL and sha256 per host (x86_64, aarch64) ---
wasi_sdk_upstream_version=33
wasi_sdk_upstream_url_x86_64=https://github.com/WebAssembly/wasi-sdk/releases/download/wasi-sdk-33/wasi-sdk-33.0-x86_64-linux.tar.gz
wasi_sdk_upstream_sha256_x86_64=0ba8b5bfaeb2adf3f29bab5841d76cf5318ab8e1642ea195f88baba1abd47bce
wasi_sdk_upstream_url_aarch64=https://github.com/WebAssembly/wasi-sdk/releases/download/wasi-sdk-33/wasi-sdk-33.0-arm64-linux.tar.gz
wasi_sdk_upstream_sha256_aarch64=4f98ee738c7abb45c81a94d1461fc53cc569d1cd01498951c8184d841a027844

# The first releases that are not linked against musl's slow allocator start at 123.
binaryen_upstream_version=123
binaryen_upstream_url_x86_64=https://github.com/WebAssembly/binaryen/releases/download/version_123/binaryen-version_123-x86_64-linux.tar.gz
binaryen_upstream_sha256_x86_64=e959f2170af4c20c552e9de3a0253704d6a9d2766e8fdb88e4d6ac4bae9388fe
binaryen_upstream_url_aarch64=https://github.com/WebAssembly/binaryen/releases/download/version_123/binaryen-version_123-aarch64-linux.tar.gz
binaryen_upstream_sha256_aarch64=4b6bd61ba6cd3b18c993b4657d93426c782f9b91b74be0d38018cd8be1319376

wasmedge_upstream_version=0.14.1
wasmedge_upstream_url_x86_64=https://github.com/WasmEdge/WasmEdge/releases/download/0.14.1/WasmEdge-0.14.1-manylinux2014_x86_64.tar.gz
wasmedge_upstream_sha256_x86_64=a82f9fb01a6a6f1dfbd1cb069dc96d116f22c15cdb01207a5d0e65096055d092
wasmedge_upstream_url_aarch64=https://github.com/WasmEdge/WasmEdge/releases/download/0.14.1/WasmEdge-0.14.1-manylinux2014_aarch64.tar.gz
wasmedge_upstream_sha256_aarch64=d5ac5c2405ff8a878558379740498e5fe4b126fe746eac585f7efa9bb7f32e28

# --- Debian: suite, version and package list per kit ---
# The compiler comes from Debian 12 whatever the host runs: its binaries need glibc 2.36
# only, so the same .debs serve Debian 12, 13 and later, and the kit is the same everywhere.
# wasi-libc comes from Debian 13 (Architecture: all): the oldest stable one that has
# libsetjmp.a and every libwasi-emulated-*.a; sid's is newer but moves.
wasi_sdk_debian_version=22.1.8-20241209
wasi_sdk_debian_suites='bookworm bookworm-security'
wasi_sdk_debian_exact='clang-22=1:22.1.8-1~deb12u1 lld-22=1:22.1.8-1~deb12u1 llvm-22=1:22.1.8-1~deb12u1
 libclang-cpp22=1:22.1.8-1~deb12u1 libllvm22=1:22.1.8-1~deb12u1 libclang-common-22-dev=1:22.1.8-1~deb12u1
 libclang-rt-22-dev-wasm32=1:22.1.8-1~deb12u1 libc++-22-dev-wasm32=1:22.1.8-1~deb12u1
 libc++abi-22-dev-wasm32=1:22.1.8-1~deb12u1'
# Shared libraries that those programs load; whichever version the suite has.
wasi_sdk_debian_libs='libstdc++6 libgcc-s1 libffi8 libedit2 libz3-4 zlib1g libzstd1 libxml2 libtinfo6
 libbsd0 libmd0 liblzma5 libicu72'
wasi_sdk_debian_sysroot_suites='trixie'
wasi_sdk_debian_sysroot='wasi-libc=0.0~git20241209.574b88d-2'

binaryen_debian_version=120
binaryen_debian_suites='trixie'
binaryen_debian_exact='binaryen=120-4'

wasmedge_debian_version=0.14.1
wasmedge_debian_suites='trixie'
wasmedge_debian_exact='wasmedge=0.14.1+dfsg-3.1'


# --- sources: FILE SHA256 URL SUITE SOURCE=VERSION, one a line; Debian's *.orig.tar.* of that
# source package is the very file that upstream released ("-": not in Debian). The versions are
# those whose every part can still be had.
mirror_table='
php-7.4.33.tar.xz 924846abf93bc613815c55dd3f5809377813ac62a9ec4eb3778675b82a27b927 https://www.php.net/distributions/php-7.4.33.tar.xz bullseye php7.4=7.4.33-1+deb11u5
php-7.4.32.tar.xz 323332c991e8ef30b1d219cb10f5e30f11b5f319ce4c6642a5470d75ade7864a https://www.php.net/distributions/php-7.4.32.tar.xz - -
lua-5.4.7.tar.gz 9fbf5e28ef86c69858f6d3d34eccc32e911c1a28b4120ff3e84aaa70cfbf1e30 https://www.lua.org/ftp/lua-5.4.7.tar.gz trixie lua5.4=5.4.7-1
zlib-1.3.1.dfsg.tar.gz 60dd315c07f616887caa029408308a018ace66e3d142726a97db164b3b8f69fb https://snapshot.debian.org/archive/debian/20250101T000000Z/pool/main/z/zlib/zlib_1.3.dfsg%2Breally1.3.1.orig.tar.gz trixie zlib=1:1.3.dfsg+really1.3.1-1
'

# --- the root that runs containers for real: podman, crun with its WasmEdge handler ---
container_root_suite=trixie
container_root_packages='podman crun libwasmedge0 base-files base-passwd bash coreutils dash
 util-linux mount grep sed findutils ca-certificates'
