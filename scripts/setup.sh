#!/usr/bin/env bash
# Creates .venv in the repository root with Regard and everything it needs. Called by `make setup`.
set -euo pipefail
cd "$(dirname "$0")/.."

PYTHON="${PYTHON:-python3}"
TORCH_INDEX="${TORCH_INDEX:-https://download.pytorch.org/whl/cpu}"
VENV=.venv
started=${SECONDS}

say() { printf '[setup] %s\n' "$*"; }
fail() { printf '[setup] error: %s\n' "$*" >&2; exit 1; }

# Installs Debian packages where that is allowed; says the command otherwise.
install_system_packages() {
    if [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null; then
        say "installing through apt: $*"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@"
    else
        say "missing on this machine; type:  sudo apt-get install -y $*"
        return 1
    fi
}

check_python() {
    command -v "${PYTHON}" >/dev/null || install_system_packages python3 python3-venv \
        || fail "no ${PYTHON} found: install Python 3.11 or newer, or name one with PYTHON=..."
    "${PYTHON}" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
        || fail "$("${PYTHON}" -V) is too old: name a Python 3.11 or newer with PYTHON=..."
    "${PYTHON}" -c 'import ensurepip, venv' 2>/dev/null || install_system_packages python3-venv \
        || fail "${PYTHON} cannot create virtual environments (module ensurepip is missing)"
    say "python: $("${PYTHON}" -V)"
}

# Optional: the engine compiles small CPU kernels at first use and takes torch's without a compiler.
check_compiler() {
    if command -v cc >/dev/null || command -v gcc >/dev/null; then
        return
    fi
    say "no C compiler: the engine works without one, slower"
    install_system_packages gcc libc6-dev || say "going on without a C compiler"
}

create_environment() {
    if [[ -x "${VENV}/bin/python" ]] && "${VENV}/bin/python" -m pip --version >/dev/null 2>&1; then
        say "environment: ${VENV} (kept)"
    else
        say "environment: creating ${VENV}"
        "${PYTHON}" -m venv --clear "${VENV}"
    fi
}

has_nvidia_driver() { command -v nvidia-smi >/dev/null && nvidia-smi >/dev/null 2>&1; }

index_answers() {
    "${VENV}/bin/python" - "$1" <<'PY' 2>/dev/null
import sys
import urllib.request

urllib.request.urlopen(sys.argv[1].rstrip("/") + "/torch/", timeout=5).close()
PY
}

# install_torch REQUIREMENT [PIP OPTION...]: says the size of what it takes, then takes it.
install_torch() {
    local requirement="$1"
    shift
    say "torch: $("${VENV}/bin/python" scripts/download_size.py "${requirement}" "$@")"
    "${VENV}/bin/python" -m pip install --no-deps "$@" "${requirement}"
}

ensure_torch() {
    local requirement
    requirement="$(grep -E '^torch==' constraints.txt)"
    if "${VENV}/bin/python" -m pip show torch >/dev/null 2>&1; then
        say "torch: already installed"
    elif has_nvidia_driver; then
        say "torch: NVIDIA driver found, taking the CUDA build"
        say "torch: $("${VENV}/bin/python" scripts/download_size.py "${requirement}")"
    elif index_answers "${TORCH_INDEX}"; then
        say "torch: no NVIDIA driver, taking a CPU build from ${TORCH_INDEX}"
        install_torch "${requirement}" --index-url "${TORCH_INDEX}"
    else
        say "torch: no NVIDIA driver, and ${TORCH_INDEX} does not answer: taking what pip offers"
        install_torch "${requirement}"
    fi
}

install_regard() {
    say "regard: installing the package and the dependencies that constraints.txt names"
    "${VENV}/bin/python" -m pip install --constraint constraints.txt --editable '.[all]'
}

check_python
check_compiler
create_environment
ensure_torch
install_regard
say "done in $((SECONDS - started)) s; ${VENV} takes $(du -sh "${VENV}" | cut -f1); the command is ${VENV}/bin/regard"
