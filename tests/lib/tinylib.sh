# tinylib.sh: two library recipes that build in a second, and a tiny-1.0 that needs them. Source it behind tiny.sh.
#
#   tinylib_make            low-1.0; high-2.0, which needs it; tiny-1.0, which needs high-2.0
#   tinylib_source NAME VERSION EXPRESSION [NEEDED]   packs the source of a library whose function NAME() returns EXPRESSION
#   tinylib_recipe NAME VERSION DEPS SAYS [MEMBERS]   writes its recipe; DEPS: JSON strings; its check wants "NAME is SAYS"
#   tinylib_user DEPS [PACKAGE]   writes tiny-1.0's recipe; $tiny_says: what its check wants
#
# A compile of library NAME leaves a line in $T/runs-NAME; $tinylib_before is a shell command that comes first. $tinylib_install
# is a shell command behind its installation; with $tinylib_test empty the library has no test program.
# shellcheck shell=sh

tinylib_pack() {
    (cd "$T/lib-src" && tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1500000000 -cf - "$1") |
        gzip -n >"$T/mirror/$1.tar.gz"
}

tinylib_source() {
    tinylib_dir=$T/lib-src/$1-$2
    mkdir -p "$tinylib_dir"
    echo "int $1(void);" >"$tinylib_dir/$1.h"
    printf '#include "%s.h"\n%s\nint %s(void) { return %s; }\n' "$1" "${4:+#include <$4.h>}" "$1" "$3" >"$tinylib_dir/$1.c"
    printf '#include <stdio.h>\n#include <%s.h>\nint main(void) { printf("%s is %%d\\n", %s()); return 0; }\n' "$1" "$1" "$1" \
        >"$tinylib_dir/test.c"
    # shellcheck disable=SC2016 # variables of pkg-config
    {
        printf 'prefix=/usr\nexec_prefix=${prefix}\nlibdir=/usr/lib\nincludedir=${prefix}/include\n\n'
        printf 'Name: %s\nDescription: %s\nVersion: %s\n%s' "$1" "$1" "$2" "${4:+Requires: $4
}"
        printf 'Libs: -L${libdir} -l%s\nCflags: -I/usr/include\n' "$1"
    } >"$tinylib_dir/$1.pc"
    tinylib_pack "$1-$2"
}

# shellcheck disable=SC2016 # variables of the recipe
tinylib_recipe() {
    mkdir -p "$T/recipes/$1-$2"
    tinylib_link=''
    tinylib_artefacts=''
    if [ -n "${tinylib_test-yes}" ]; then
        tinylib_link=',
    {"argv": ["sh", "-c", "exec ${cc} -O1 -o test test.c -I${out}/include -I${deps}/include ${out}/lib/*.a $(find ${deps} -name \\*.a)"]}'
        tinylib_artefacts=', "artefacts": {"test": {"from": "test", "file": "test.wasm", "checks": [{"argv": [], "stdout": ["'"$1 is $4"'"]}]}}'
    fi
    cat >"$T/recipes/$1-$2/recipe.json" <<JSON
{
  "kind": "library", "name": "$1", "version": "$2", "epoch": 1500000000,
  "source": {"urls": ["http://127.0.0.1:1/$1-$2.tar.gz"],
    "sha256": "$(sha256sum "$T/mirror/$1-$2.tar.gz" | cut -d ' ' -f 1)"},
  "deps": [$3],
  "compile": [
    {"argv": ["sh", "-c", "echo x >>$T/runs-$1; ${tinylib_before:-:}"]},
    {"argv": ["\${cc}", "-O1", "-I\${deps}/include", "-c", "$1.c"]},
    {"argv": ["\${ar}", "rc", "lib$1.a", "$1.o"]},
    {"argv": ["mkdir", "-p", "\${out}/include", "\${out}/lib/pkgconfig", "\${out}/bin", "\${out}/share/man"]},
    {"argv": ["cp", "$1.h", "\${out}/include"]},
    {"argv": ["cp", "lib$1.a", "\${out}/lib"]},
    {"argv": ["cp", "$1.pc", "\${out}/lib/pkgconfig"]},
    {"argv": ["sh", "-c", "echo \${out} | tee \${out}/bin/config \${out}/lib/lib$1.la >\${out}/share/man/page; ${tinylib_install:-:}"]}$tinylib_link
  ]$tinylib_artefacts
  ${5:+, $5}
}
JSON
}

# shellcheck disable=SC2016 # variables of the recipe
tinylib_user() {
    tiny_recipe '"deps": ['"$1"'], "env": {"PACKAGE": "'"${2:-high}"'"}'
    sed 's#"sh", "./configure", "CC=${cc}"#"sh", "-c", "exec sh ./configure \\"CC=${cc} $(pkg-config --cflags --libs $PACKAGE)\\""#' \
        "$T/recipes/tiny-1.0/recipe.json" >"$T/.r" && cp "$T/.r" "$T/recipes/tiny-1.0/recipe.json"
}

tinylib_make() {
    tiny_make
    sed 's/#include "config.h"/&\n#ifdef BARE\n#define high() 0\n#else\n#include <high.h>\n#endif/; s/printf("%s/printf("%d %s/; s/, SAYS/, high(), SAYS/' \
        "$T/tiny-src/src/main.c" >"$T/.m" && cp "$T/.m" "$T/tiny-src/src/main.c"
    tiny_archive
    tinylib_source low 1.0 1
    tinylib_source high 2.0 '41 + low()' low
    tinylib_recipe low 1.0 '' 1
    tinylib_recipe high 2.0 '"low-1.0"' 42
    # shellcheck disable=SC2034 # tiny_recipe uses it
    tiny_says="42 tiny says hello"
    tinylib_user '"high-2.0"'
}
