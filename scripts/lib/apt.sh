# shellcheck shell=sh
# A private apt root: reads other suites of the distribution without touching the system's
# own apt configuration, lists or cache. Needs common.sh. No root rights needed. The functions
# run in subshells and so leave the caller's variables alone; a failure is their exit code.

# apt_sources: the machine's own binary sources, one "URI SUITE SIGNED-BY" a line
# (SIGNED-BY "-" where there is none or where it is not a file), from both formats.
apt_sources() {
    for f in "${WLPACK_APT_ETC:-/etc/apt}"/sources.list "${WLPACK_APT_ETC:-/etc/apt}"/sources.list.d/*.list; do
        [ -r "$f" ] || continue
        awk '$1 == "deb" {
            key = "-"; i = 2
            if ($2 ~ /^\[/) {
                for (; i <= NF; i++) {
                    o = $i; gsub(/[][]/, "", o)
                    if (tolower(o) ~ /^signed-by=\//) key = substr(o, 11)
                    if ($i ~ /\]$/) { i++; break }
                }
            }
            if ($i != "" && $(i + 1) != "") print $i, $(i + 1), key
        }' "$f"
    done
    for f in "${WLPACK_APT_ETC:-/etc/apt}"/sources.list.d/*.sources; do
        [ -r "$f" ] || continue
        awk 'function flush(  u, s, nu, ns, i, j) {
            if (types ~ /(^| )deb( |$)/ && enabled !~ /no/) {
                nu = split(uris, u, " "); ns = split(suites, s, " ")
                for (i = 1; i <= nu; i++) for (j = 1; j <= ns; j++) print u[i], s[j], key
            }
            types = uris = suites = enabled = ""; key = "-"; field = ""
        }
        BEGIN { key = "-" }
        /^[ \t]*$/ { flush(); next }
        /^#/ { next }
        /^[^ \t]/ {
            field = tolower($0); sub(/:.*/, "", field)
            value = $0; sub(/^[^:]*:[ \t]*/, "", value)
        }
        /^[ \t]/ { value = $0 }
        field == "types" { types = types " " value }
        field == "uris" { uris = uris " " value }
        field == "suites" { suites = suites " " value }
        field == "enabled" { enabled = tolower(value) }
        field == "signed-by" && value ~ /^\// { key = value }
        END { flush() }' "$f"
    done
}

# apt_source_for SUITE: "URI SIGNED-BY" of the archive that should hold SUITE.
apt_source_for() (
    # shellcheck source=/dev/null
    codename=$(. "${WLPACK_OS_RELEASE:-/etc/os-release}" && printf '%s' "${VERSION_CODENAME:-}")
    apt_sources | awk -v want="$1" -v own="$codename" '
        BEGIN { any = "^(" (own == "" ? "-" : own) "|stable|testing|unstable|sid|oldstable)$" }
        $1 !~ /^(https?|mirror\+[a-z]+|file|ftp|copy):/ { next }
        $2 ~ /-security$/ && sec == "" { sec = $1; seckey = $3 }
        $2 ~ any && arch == "" { arch = $1; key = $3 }
        END {
            if (arch == "") exit 1
            if (want ~ /-security$/ && sec == "") {
                sec = arch; seckey = key
                sub(/\/debian\/*$/, "/debian-security", sec)
            }
            if (want ~ /-security$/) print sec, seckey
            else print arch, key
        }'
)

# apt_root DIR "TYPES" SUITE...: make a private root in DIR for these suites and read their
# lists; afterwards apt_in DIR runs an apt tool in it. TYPES is "deb" or "deb-src".
apt_root() (
    root=$1 types=$2
    shift 2
    have apt-get || die "no apt-get here: this machine cannot make a kit from Debian packages"
    mkdir -p "$root/sources" "$root/none" "$root/state/lists/partial" "$root/cache/archives/partial"
    : >"$root/status"
    for suite in "$@"; do
        src=$(apt_source_for "$suite") ||
            die "no Debian archive found in this machine's apt sources (looked for $suite)"
        key=${src##* }
        if [ "$key" = - ] && [ -f /usr/share/keyrings/debian-archive-keyring.gpg ]; then
            key=/usr/share/keyrings/debian-archive-keyring.gpg
        fi
        printf 'Types: %s\nURIs: %s\nSuites: %s\nComponents: main\n' "$types" "${src%% *}" "$suite"
        [ "$key" = - ] || printf 'Signed-By: %s\n' "$key"
        printf '\n'
    done >"$root/sources/private.sources"
    {
        # The way out (proxies and the like) is the machine's own.
        apt-config dump | grep '^Acquire::' | grep -v '^Acquire::IndexTargets' || true
        cat <<CONF
Acquire::Languages "none";
APT::Get::List-Cleanup "false";
APT::Sandbox::User "";
Dir::State "$root/state";
Dir::State::lists "$root/state/lists";
Dir::State::status "$root/status";
Dir::Cache "$root/cache";
Dir::Log "$root/none";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "$root/none";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$root/sources";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "$root/none";
CONF
    } >"$root/apt.conf"
    apt_in "$root" apt-get -qq update >"$root/log" 2>&1 || {
        cat "$root/log" >&2
        die "apt could not read the lists of: $*"
    }
    # apt-get update tells of a suite that is gone with a warning and success
    if grep -q '^[WE]: Failed to fetch' "$root/log"; then
        cat "$root/log" >&2
        die "apt could not read the lists of: $*"
    fi
)

# apt_in DIR COMMAND...: run an apt tool in the private root DIR.
apt_in() (
    conf=$1/apt.conf
    shift
    APT_CONFIG=$conf "$@"
)

# apt_pick DIR NAME[=VERSION]: print NAME=VERSION that can be had; where the pinned version
# has left the archive, say so and take the one there is (the kit's identity tells them apart).
apt_pick() (
    name=${2%%=*}
    versions=$(apt_in "$1" apt-cache madison "$name" | awk -F '|' '{gsub(/ /, "", $2); print $2}')
    [ -n "$versions" ] || die "the archive has no package $name"
    case $2 in
    *=*)
        if printf '%s\n' "$versions" | grep -qxF -e "${2#*=}"; then
            printf '%s\n' "$2"
            exit 0
        fi
        warn "$2 has left the archive, taking $(printf '%s\n' "$versions" | head -n 1)"
        ;;
    esac
    printf '%s=%s\n' "$name" "$(printf '%s\n' "$versions" | head -n 1)"
)

# apt_fetch DIR INTO NAME[=VERSION]...: download exactly these packages into the folder INTO.
apt_fetch() (
    root=$1 into=$2
    shift 2
    mkdir -p "$into"
    picked=
    for p in "$@"; do
        one=$(apt_pick "$root" "$p")
        picked="$picked $one"
    done
    # shellcheck disable=SC2086 # a list of words
    (cd "$into" && apt_in "$root" apt-get -qq download $picked >/dev/null) ||
        die "download failed:$picked"
)

# apt_closure DIR NAME[=VERSION]: the package with all it depends on, as NAME=VERSION lines.
apt_closure() (
    one=$(apt_pick "$1" "$2")
    apt_in "$1" apt-get -qq -s --no-install-recommends install "$one" |
        awk '$1 == "Inst" { v = $3; sub(/^\(/, "", v); print $2 "=" v }'
)
