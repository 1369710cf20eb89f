# shellcheck shell=sh
# What every script here shares: messages, where things live, cleaning up.
# Source it with $scripts set to the folder that holds it one level down.

# Talk goes to stderr; stdout belongs to results.
say() { printf '%s\n' "$*" >&2; }
warn() { printf '%s: warning: %s\n' "${0##*/}" "$*" >&2; }
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# The store: $WLPACK_HOME, else the cache folder of the user (as the program has it).
wl_home() {
    if [ -n "${WLPACK_HOME:-}" ]; then
        printf '%s\n' "$WLPACK_HOME"
    elif [ -n "${XDG_CACHE_HOME:-}" ]; then
        printf '%s\n' "$XDG_CACHE_HOME/wlpack"
    elif [ -n "${HOME:-}" ]; then
        printf '%s\n' "$HOME/.cache/wlpack"
    else
        die "neither WLPACK_HOME, XDG_CACHE_HOME nor HOME is set"
    fi
}

# wl_find SUB: print SUB of the store, or of the user's default store where $WLPACK_HOME names
# another one that does not have it (as the program looks for kits); fails when neither has it.
wl_find() {
    for wl_place in "$(wl_home)" "${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/wlpack"; do
        if [ -e "$wl_place/$1" ]; then
            printf '%s\n' "$wl_place/$1"
            return 0
        fi
    done
    return 1
}

# The machine as kits name it.
host_arch() { uname -m; }
host_name() { printf '%s-linux\n' "$(host_arch)"; }

sha256_of() { sha256sum "$1" | cut -d ' ' -f 1; }

# Is FILE there with this SHA256?
has_sha256() { [ -f "$1" ] && [ "$(sha256_of "$1")" = "$2" ]; }

have() { command -v "$1" >/dev/null 2>&1; }

# tmp_dir PARENT: make a work folder in PARENT that goes away when the script ends, however
# it ends, and leave its name in $tmp. One per script.
tmp_dir() {
    mkdir -p "$1"
    tmp=$(mktemp -d "$1/.tmp-XXXXXX")
    trap 'rm -rf "$tmp"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

# answers URL: does the site answer at all, within a few seconds?
answers() {
    have curl && curl -sSfIL --connect-timeout 3 --max-time 5 -o /dev/null "$1" 2>/dev/null
}

# fetch URL FILE SHA256: download through a temporary name; the checksum decides.
fetch() {
    curl -fL --retry 2 --connect-timeout 5 --speed-limit 1000 --speed-time 30 \
        -sS -o "$2.part" "$1" || { rm -f "$2.part"; return 1; }
    if ! has_sha256 "$2.part" "$3"; then
        say "$1: sha256 is $(sha256_of "$2.part"), expected $3"
        rm -f "$2.part"
        return 1
    fi
    mv "$2.part" "$2"
}
