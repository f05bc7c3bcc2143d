# Sourced by the other scripts: the top of the repository, cargo's place, and numbered steps.
# shellcheck shell=sh

cd "$(dirname "$0")/.." || exit 1

# A login shell knows where rustup puts cargo; make may run in one that does not.
if ! command -v cargo >/dev/null 2>&1 && [ -x "${HOME:-/root}/.cargo/bin/cargo" ]; then
    PATH="${HOME:-/root}/.cargo/bin:$PATH"
    export PATH
fi

target=${CARGO_TARGET_DIR:-target}
step=0

# step_begin TITLE: needs `steps`, the number of steps.
step_begin() {
    step=$((step + 1))
    title=$1
    started=$(date +%s)
    printf 'step %d of %d: %s\n' "$step" "$steps" "$title"
}

elapsed() {
    echo $(($(date +%s) - started))
}

step_end() {
    printf 'step %d of %d: %s: done in %d s\n' "$step" "$steps" "$title" "$(elapsed)"
}

# run_step TITLE COMMAND...: ends the script when the command fails.
run_step() {
    step_begin "$1"
    shift
    "$@" || {
        status=$?
        printf 'step %d of %d: %s: FAILED after %d s\n' "$step" "$steps" "$title" "$(elapsed)" >&2
        exit "$status"
    }
    step_end
}
