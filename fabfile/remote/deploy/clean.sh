# shellcheck shell=bash
# clean COMMAND…: run it with nothing of this login's environment but what leads to its programs and to the engine:
# compose prefers a variable of the environment to the server's .env. To label what it builds, compose would start git
# with all of .env in its environment, which it has taken into its own: it is told not to.
clean() {
  local name kept=()
  for name in HOME PATH DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG DOCKER_CERT_PATH DOCKER_TLS_VERIFY XDG_RUNTIME_DIR; do
    [ -z "${!name-}" ] || kept+=("$name=${!name}")
  done
  env -i BUILDX_GIT_INFO=false "${kept[@]}" "$@"
}
