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
php-8.2.32.tar.xz e02aa173c236c12791696254d607da680e6d5516f8f5c2339642de7c4f944bd2 https://www.php.net/distributions/php-8.2.32.tar.xz bookworm php8.2=8.2.32-1~deb12u1
php-8.4.24.tar.xz e127be09a8506f4327c5cfa78a614b00d210714484ec215ce0011b4a03c00731 https://www.php.net/distributions/php-8.4.24.tar.xz trixie-security php8.4=8.4.24-1~deb13u1
lua-5.4.7.tar.gz 9fbf5e28ef86c69858f6d3d34eccc32e911c1a28b4120ff3e84aaa70cfbf1e30 https://www.lua.org/ftp/lua-5.4.7.tar.gz trixie lua5.4=5.4.7-1
bzip2-1.0.8.tar.gz ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2269 https://sourceware.org/pub/bzip2/bzip2-1.0.8.tar.gz trixie bzip2=1.0.8-6
libjpeg-turbo-2.1.5.tar.gz 254f3642b04e309fee775123133c6464181addc150499561020312ec61c1bf7c https://github.com/libjpeg-turbo/libjpeg-turbo/archive/refs/tags/2.1.5.tar.gz trixie libjpeg-turbo=1:2.1.5-4
libpng-1.6.48.tar.gz b17e99026055727e8cba99160c3a9a7f9af788e9f786daeadded5a42243f1dd0 https://github.com/pnggroup/libpng/archive/refs/tags/v1.6.48.tar.gz trixie libpng1.6=1.6.48-1+deb13u6
libsodium-1.0.18.tar.gz d59323c6b712a1519a5daf710b68f5e7fde57040845ffec53850911f10a5d4f4 https://github.com/jedisct1/libsodium/archive/refs/tags/1.0.18.tar.gz trixie libsodium=1.0.18-1+deb13u1
libxml2-2.9.14.dfsg.tar.xz 4fe913dec8b1ab89d13b489b419a8203176ea39e931eaa0d25b17eafb9c279e9 https://snapshot.debian.org/file/b41615e638174b4e36845c68d4b305dd6a6b541f bookworm libxml2=2.9.14+dfsg-1.3~deb12u6
oniguruma-6.9.9.tar.gz 001aa1202e78448f4c0bf1a48c76e556876b36f16d92ce3207eccfd61d99f2a0 https://github.com/kkos/oniguruma/archive/refs/tags/v6.9.9.tar.gz trixie libonig=6.9.9-1
openssl-1.1.1w.tar.gz cf3098950cb4d853ad95c0841f1f9c6d3dc102dccfcacd521d93925208b76ac8 https://www.openssl.org/source/openssl-1.1.1w.tar.gz bullseye openssl=1.1.1w-0+deb11u1
sqlite-3.46.1.debian.tar.xz d0cdd2ece271b29e7ce18095745d892517ee26d0f270065b3a25c2e9eb11639c https://snapshot.debian.org/file/0a1dee600409dded148a8595d8f8b7b7c6a3c2a9 trixie sqlite3=3.46.1-7+deb13u2
zlib-1.3.1.dfsg.tar.gz 60dd315c07f616887caa029408308a018ace66e3d142726a97db164b3b8f69fb https://snapshot.debian.org/archive/debian/20250101T000000Z/pool/main/z/zlib/zlib_1.3.dfsg%2Breally1.3.1.orig.tar.gz trixie zlib=1:1.3.dfsg+really1.3.1-1
'

# --- the root that runs containers for real: podman, crun with its WasmEdge handler ---
container_root_suite=trixie
container_root_packages='podman crun libwasmedge0 base-files base-passwd bash coreutils dash
 util-linux mount grep sed findutils ca-certificates'
