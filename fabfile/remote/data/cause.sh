# shellcheck shell=bash
# How a script ends that others follow: one line on standard error says why. What its clean-up must leave is said
# later, in lines that begin with "left: ".
die() { code=$1; shift; printf '%s\n' "$*" >&2; exit "$code"; }
# cause FILE: the line of a program's errors that tells why it failed; a warning, a hint or a detail does not.
cause() {
  grep -m 1 -E '(^|[^[:alpha:]])(error|ERROR|FATAL|PANIC):|\[(emerg|alert|crit|error)\]' "$1" ||
    grep -v -E '^(WARNING|NOTICE|INFO|LOG|HINT|DETAIL|CONTEXT|STATEMENT|LINE [0-9]+):|(warning|detail|hint):' "$1" | tail -n 1
}
