#!/usr/bin/env bash
# Makes .venv (Airflow and this project) and .venv-localaws (the stand-in for AWS) exactly as the pinned
# requirements say. Safe to run again: a stamp with the hash of the requirements makes that instant.
# Needs any Python 3 with venv or pip; obtains uv and Python 3.11 where they are missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

say() { printf '%s\n' "$*" >&2; }
refuse() { say "set-up: $*"; exit 1; }

digest() { # of the files named
    if command -v sha256sum >/dev/null; then cat "$@" | sha256sum; else cat "$@" | shasum -a 256; fi | cut -d' ' -f1
}

up_to_date() { # directory, requirements files
    [ -x "$1/bin/python" ] && [ "$(cat "$1/.requirements.sha256" 2>/dev/null)" = "$(digest "${@:2}")" ]
}

obtain_uv() { # prints the path of a uv that runs
    if uv --version >/dev/null 2>&1; then command -v uv; return; fi
    local own=$PWD/.local/uv/bin/uv pinned=include/launcher/requirements-uv.txt
    if [ ! -x "$own" ]; then
        command -v python3 >/dev/null || refuse "neither uv nor python3 is on the PATH. Install one of them, then run make again."
        say "set-up: uv is not installed; putting a copy into .local/uv"
        mkdir -p .local
        if python3 -m venv .local/uv >/dev/null 2>&1; then
            .local/uv/bin/python -m pip install --quiet --require-hashes -r "$pinned" >&2 ||
                refuse "uv could not be downloaded (see above). Install uv, then run make again."
        else # Debian's python3 comes without venv
            rm -rf .local/uv
            python3 -m pip install --quiet --require-hashes --target .local/uv -r "$pinned" >&2 ||
                refuse "uv could not be obtained: python3 has neither venv nor pip. Install uv, then run make again."
        fi
    fi
    "$own" --version >/dev/null 2>&1 || refuse "$own does not run. Delete .local/uv, then run make again."
    printf '%s\n' "$own"
}

make_environment() { # directory, requirements files
    local directory=$1 files=()
    shift
    say "set-up: installing $* into $directory"
    if ! "$directory/bin/python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
        "$uv" venv --quiet --no-project --clear --python 3.11 "$directory" >&2 ||
            refuse "Python 3.11 is needed and uv could not find or download it. Install Python 3.11, then run make again."
    fi
    for file in "$@"; do files+=(-r "$file"); done
    VIRTUAL_ENV="$PWD/$directory" "$uv" pip install --quiet --require-hashes "${files[@]}" >&2 ||
        refuse "installing $* into $directory failed (see above). It is safe to run make again."
    digest "$@" > "$directory/.requirements.sha256"
}

airflow=(.venv requirements.txt requirements-dev.txt)
localaws=(.venv-localaws include/localaws/requirements.txt)
if up_to_date "${airflow[@]}" && up_to_date "${localaws[@]}"; then exit 0; fi

uv=$(obtain_uv)
began=$SECONDS
if ! up_to_date "${airflow[@]}"; then make_environment "${airflow[@]}"; fi
if ! up_to_date "${localaws[@]}"; then make_environment "${localaws[@]}"; fi
say "set-up: done in $((SECONDS - began)) s"
