# shellcheck shell=bash
# clean COMMAND…: run it with nothing of this login's environment but what leads to its programs and to the engine:
# compose prefers a variable of the environment to the server's .env.
clean() {
  local name kept=()
  for name in HOME PATH DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG DOCKER_CERT_PATH DOCKER_TLS_VERIFY XDG_RUNTIME_DIR; do
    [ -z "${!name-}" ] || kept+=("$name=${!name}")
  done
  env -i "${kept[@]}" "$@"
}
