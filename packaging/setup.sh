# shellcheck shell=sh disable=SC2154  # $root comes from the script that sources this
# Set-up shared by packaging/launch and packaging/test: sourced with $root = the checkout, then `set_up PART...`.
# Parts: run (the program's Python packages), test (those of the tests too), screen (the system libraries of a window).
#
# Everything lands in $root/.venv (packaging/test --lowest: .venv-lowest), which belongs to these scripts. A part is finished when .venv/ready-PART holds what
# `stamp` prints: checksums of pyproject.toml, of the list of libraries and of this file with their paths, then the interpreter. So a changed
# dependency, a moved checkout and an upgraded python3 are all noticed, and a finished set-up costs three small processes.

venv=$root/.venv

# shared object, Debian package: what QtGui, QtWidgets, QtSvg and the xcb and offscreen platforms link to
libraries=$(cat "$root/resources/system/libraries.txt")

say() { printf 'rmapexplorer: %s\n' "$*" >&2; }

# 4, as everywhere: the program cannot start here
die() {
    say "$@"
    exit 4
}

# stamp: what a finished part was made from
stamp() {
    cksum "$root/pyproject.toml" "$root/packaging/setup.sh" "$root/resources/system/libraries.txt"
    readlink -f "$venv/bin/python" || echo none
}

# ready PART: the part was finished, from what $now says
ready() { [ -f "$venv/ready-$1" ] && [ "$(cat "$venv/ready-$1")" = "$now" ]; }

# set_up PART...: returns at once when all parts are ready; one process at a time does the work otherwise
set_up() {
    now=$(stamp)
    for part; do
        if ! ready "$part"; then
            set_up_alone "$@"
            return
        fi
    done
}

set_up_alone() {
    # The lock is the kernel's and goes with its last holder, so that nothing is left behind by a kill
    exec 9< "$root/packaging/setup.sh"
    if ! flock -n 9; then
        say "another first run is setting up $root: waiting for it"
        flock 9 || say "this file system has no locks: going on without"
    fi
    now=$(stamp)
    find_python
    install_system "$@"
    for part; do
        ready "$part" || "set_up_$part"
    done
    exec 9<&-
}

# find_python: $python, 3.11 or newer
find_python() {
    if [ -n "${RMAPEXPLORER_PYTHON-}" ]; then
        python=$RMAPEXPLORER_PYTHON
        is_new_enough || die "RMAPEXPLORER_PYTHON=$python is not a Python 3.11 or newer"
        return
    fi
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        if is_new_enough; then return; fi
    done
    die "Python 3.11 or newer is needed and neither python3 nor python3.11 to python3.14 is one: install it, or name" \
        "it with RMAPEXPLORER_PYTHON=/path/to/python3"
}

is_new_enough() { "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; }

# missing_python: the Debian package that $python lacks to make virtual environments, or nothing; uv makes them without
missing_python() {
    if command -v uv > /dev/null; then return; fi
    "$python" - << 'END'
import sys
try:
    import ensurepip, venv
except ImportError:
    print("python%d.%d-venv" % sys.version_info[:2])
END
}

# missing_screen: the Debian packages of the libraries that cannot be loaded, and of a font if there is none
missing_screen() {
    # shellcheck disable=SC2086  # one argument a word
    "$python" - $libraries << 'END'
import ctypes, os, sys

def absent(name):
    try:
        ctypes.CDLL(name)
    except OSError:
        return True
    return False

words = sys.argv[1:]
packages = {package for name, package in zip(words[::2], words[1::2]) if absent(name)}
home = os.path.expanduser("~")
places = ["/usr/share/fonts", "/usr/local/share/fonts", home + "/.fonts", home + "/.local/share/fonts"]
fonts = (f for place in places for _, _, files in os.walk(place) for f in files)
if not any(f.lower().endswith((".ttf", ".otf", ".ttc")) for f in fonts):
    packages.add("fonts-dejavu-core")
print(*sorted(packages))
END
}

# missing PART...: the Debian packages that these parts lack, sorted, on one line
missing() {
    {
        usable || missing_python
        case " $* " in *" screen "*) missing_screen ;; esac
    } | tr '\n' ' ' | sed 's/ *$//'
}

# install_system PART...: installs them, or says how
install_system() {
    packages=$(missing "$@")
    [ -n "$packages" ] || return 0
    if ! command -v apt-get > /dev/null; then
        die "missing what Debian calls $packages: install them with this system's package manager, then run this again"
    elif [ "$(id -u)" != 0 ]; then
        say "system packages are missing; install them with the next line, then run this again"
        echo "sudo apt-get install --no-install-recommends $packages" >&2
        case $packages in
            *-venv*) say "without root, uv tool install $root, or pipx install $root, makes the command rmapexplorer" ;;
            *) say "without root, the commands in the terminal need none of these (packaging/launch --help)" ;;
        esac
        exit 4
    fi
    say "installing system packages: $packages"
    # shellcheck disable=SC2086,SC2016  # one argument a word; the inner shell expands
    logged "apt-get could not install $packages" env DEBIAN_FRONTEND=noninteractive sh -c \
        'apt-get update; apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"' apt $packages 9<&-
    packages=$(missing "$@")
    [ -z "$packages" ] || die "$packages: installed, but $python still does not find what is in there"
}

# logged SENTENCE COMMAND...: runs it in silence; if it fails, prints its last lines and the sentence and ends
logged() {
    sentence=$1
    shift
    log=$(mktemp) || die "cannot write a temporary file: is the disk full?"
    if "$@" > "$log" 2>&1 < /dev/null; then
        rm -f "$log"
    else
        grep -v "^WARNING: Retrying" "$log" | tail -n 6 >&2
        rm -f "$log"
        die "$sentence (its last lines are above)"
    fi
}

set_up_screen() {
    set_up_run
    logged "Qt cannot be loaded: please report the lines above" \
        "$venv/bin/python" -c 'from PySide6 import QtCore, QtGui, QtSvg, QtWidgets'
    finish screen
}

set_up_run() { ready run || set_up_packages run ""; }

set_up_test() {
    set_up_packages test test
    finish run
}

# finish PART: from now on it is ready; where that cannot be noted it is looked at again each time
finish() {
    now=$(stamp)
    { printf '%s\n' "$now" > "$venv/ready-$1"; } 2> /dev/null || :
}

# set_up_packages PART EXTRA: .venv with the dependencies in pyproject.toml (and those of the extra), and this checkout
set_up_packages() {
    usable || make_venv
    { true > "$venv/unfinished"; } 2> /dev/null || die "cannot write in $venv, where packages are missing or old: run this" \
        "as its owner, or uv tool install $root (or pipx install $root) for a copy of your own"
    say "installing the Python packages of pyproject.toml (the first time this takes a minute or two)"
    # shellcheck disable=SC2016
    logged "pip could not install the packages: is the network there?" \
        "$venv/bin/python" -c "$install_packages" "$root" "$2" "${lowest-}"
    finish "$1"
    rm -f "$venv/unfinished"
    say "ready"
}

# usable: .venv is complete, for this place and interpreter, so that packages may be installed over it
usable() {
    [ ! -e "$venv/unfinished" ] && [ -f "$venv/ready-run" ] && "$venv/bin/python" -c 'import pip' 2> /dev/null &&
        [ "$(tail -n 1 "$venv/ready-run")" = "$(readlink -f "$venv/bin/python")" ]
}

make_venv() {
    if [ -e "$venv" ] && [ ! -e "$venv/unfinished" ] && [ ! -e "$venv/ready-run" ]; then
        say "moving the ${venv##*/} that these scripts did not make to ${venv##*/}-before-$$"
        mv "$venv" "$venv-before-$$"
    fi
    say "making the virtual environment $venv with $("$python" -V)"
    { rm -rf "$venv" && mkdir "$venv" && true > "$venv/unfinished"; } 2> /dev/null || die "cannot write in $root: run this as" \
        "its owner, or uv tool install $root (or pipx install $root) for a copy of your own"
    if "$python" -c 'import ensurepip, venv' 2> /dev/null; then
        logged "$python could not make a virtual environment" "$python" -m venv "$venv"
    else
        logged "uv could not make a virtual environment" uv venv --allow-existing --seed --python "$python" "$venv"
    fi
}

# Requirements straight from pyproject.toml and a .pth file: no build, so that nothing but the packages is downloaded
install_packages='
import pathlib, re, subprocess, sys, sysconfig, tomllib

root, extra, lowest = sys.argv[1:]
project = tomllib.loads((pathlib.Path(root) / "pyproject.toml").read_text(encoding="utf-8"))["project"]
wanted = project["dependencies"] + (project["optional-dependencies"][extra] if extra else [])
if lowest:  # the first number of each: ">=13.7,<15; marker" is ==13.7
    wanted = [re.sub(r">=([^,;]+)[^;]*", r"==\1", requirement) for requirement in wanted]
pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar=off"]
code = subprocess.call([*pip, *wanted])
if code == 0:
    site = pathlib.Path(sysconfig.get_path("purelib"))
    (site / "rmapexplorer-checkout.pth").write_text(root + "\n", encoding="utf-8")
sys.exit(code)
'
