#!/bin/sh
# Completion scripts: what bash makes of them for real; zsh and fish where they are installed, else their syntax is not looked at.
. "${0%/*}/../lib/tap.sh"

for shell in bash zsh fish; do
    run wlpack completion $shell
    status_is 0 "completion $shell"
    cp "$out" "$T/$shell"
    wlpack --help | sed -n '/^Verbs:/,/^Options/s/^  \([a-z]*\) .*/\1/p' >"$T/verbs"
    ok "$shell: knows every verb" sh -c "while read -r v; do grep -qw -- \"\$v\" '$T/$shell' || exit 1; done <'$T/verbs'"
    ok "$shell: knows options" grep -q 'digest-file' "$T/$shell"
done
# every option that takes a FILE or a SOURCE completes files
while read -r v; do
    [ "$v" != run ] || continue # --entrypoint FILE is a file of the image
    for option in $(wlpack "$v" --help | sed -n 's/^.* --\([a-z-]*\) \(FILE\|SOURCE\) .*/\1/p'); do
        grep -qE "^    $v:--$option( |\)).* default; return" "$T/bash" && grep -qE "from $v' -l $option .*-r -F" "$T/fish" || echo "$v --$option"
    done
done <"$T/verbs" >"$T/no-files"
is "$(cat "$T/no-files")" "" "options that take a file complete files"
ok "there are verbs" test "$(wc -l <"$T/verbs")" -gt 20
run wlpack completion tcsh
status_is 2 "another shell"
err_like 'bash, zsh and fish' "those that there are"
run wlpack completion names recipes
out_like '^php-7\.4\.33$' "names of recipes"
out_unlike '^kit-' "not of kits"
run wlpack completion names kits
out_is "binaryen
wasi-sdk
wasmedge" "names of kits"
run wlpack completion names images
out_is "" "names of images: none yet"
if command -v python3 >/dev/null; then
    python3 "$top/tests/lib/oci-image.py" "$WLPACK_HOME/oci" app:1 1000 >/dev/null
    run wlpack completion names both
    out_like '^app:1$' "names of images"
fi

# offers LINE: what bash offers behind it
mkdir "$T/bin"
ln -s "$WLPACK" "$T/bin/wlpack"
offers() {
    PATH=$T/bin:$PATH bash --norc --noprofile -c '
        . "$1"
        compopt() { :; } # it works only while readline asks
        COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDBREAKS=${3-" :="}
        _wlpack
        printf "%s\n" "${COMPREPLY[@]}"' - "$T/bash" "$@" 2>&1
}
if command -v bash >/dev/null; then
    is "$(offers 'wlpack imag' | tr '\n' ' ')" "image images " "bash: verbs"
    is "$(offers 'wlpack -v bui')" build "bash: behind an option"
    is "$(offers 'wlpack push --dig')" --digest-file "bash: options"
    is "$(offers 'wlpack image --compression z' | tr '\n' ' ')" "zstd zstd-max " "bash: values of an option"
    is "$(offers 'wlpack image --compression=z' | tr '\n' ' ')" "zstd zstd-max " "bash: in one word with it"
    is "$(offers 'wlpack save --format=' | tr '\n' ' ')" "oci-archive docker-archive oci " "bash: and nothing yet"
    is "$(offers 'wlpack image --format=oc' ' :')" --format=oci "bash: where readline does not cut at ="
    is "$(offers 'wlpack inspect --nothing=a')" "" "bash: an option that is none"
    is "$(offers 'wlpack kit wh')" which "bash: kit"
    is "$(offers 'wlpack kit which ' | tr '\n' ' ')" "binaryen wasi-sdk wasmedge " "bash: kit which"
    is "$(offers 'wlpack kit which wasmedge w')" "" "bash: a program is no kit"
    is "$(offers 'wlpack kit --json install binaryen wasm')" wasmedge "bash: kit install"
    is "$(offers 'wlpack kit list ')" "" "bash: kit list"
    is "$(offers 'wlpack build --until co' | tr '\n' ' ')" "configure compile " "bash: stages"
    is "$(offers 'wlpack build php-7.4.3' | tr '\n' ' ')" "php-7.4.32 php-7.4.33 " "bash: recipes"
    is "$(offers 'wlpack inspect app')" app:1 "bash: local images"
    is "$(offers 'wlpack inspect app:')" 1 "bash: behind the colon, at which readline cuts"
    is "$(offers 'wlpack verify app')" app:1 "bash: local images of verify"
    is "$(offers 'wlpack run x -- a')" "" "bash: behind -- nothing of ours"
    is "$(offers 'wlpack nothing x')" "" "bash: an unknown verb"
else
    pass "# SKIP bash is not installed"
fi
# _arguments hands an action options of its own, in front of its words, unless a blank stands before it
is "$(grep -c ':_wlpack_names' "$T/zsh")" 0 "zsh: names are asked for without options in front"
ok "zsh: they are asked for" grep -q ': _wlpack_names images' "$T/zsh"
for shell in zsh fish; do
    if command -v $shell >/dev/null; then
        ok "$shell reads its script" $shell -n "$T/$shell"
    else
        pass "# SKIP $shell is not installed: the syntax of its script is not checked"
    fi
done

done_testing
