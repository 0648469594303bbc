# shellcheck shell=sh # others follow it
# find_python: print a Python that can make an environment.
find_python() {
  for python in python3.13 python3.12 python3.11 python3; do
    "$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$python" && return
  done
  return 1
}
