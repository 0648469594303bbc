# shellcheck shell=sh # it follows python.sh
# Make the environment of the jobs from the requirements of the deployed commit, unless it is there already.
# It stands in ROOT/operator, beside the hosts.ini of this server. The job calls it, and fab cron.install does.
# Where it cannot be made: exit code 1, and why.
set -u
umask 077
fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
operator=$(cd "$(dirname "$0")" && pwd) || exit 70
venv=$operator/venv
checkout=$(sed -n 's/^path = //p' "$operator/hosts.ini")
cd "$checkout" || fail "$checkout is not there"
# requirements.txt may be the application's: the other one is for fab alone.
file=requirements-deploy.txt
[ -e "$file" ] || file=requirements.txt
[ -e "$file" ] || fail "$checkout has neither requirements-deploy.txt nor requirements.txt"
# Installed without asking what it needs: its metadata refuses fabric 3.
apart=requirements-patchwork.txt
[ -e "$apart" ] || fail "$checkout has no $apart"
# The stamp is the files themselves, so any change of one makes the environment anew; and its place, which a move changes.
wanted() {
  printf '%s\n' "$venv"
  cat "$file" "$apart"
}
ready() { "$venv/bin/python" -c '' 2>/dev/null && wanted | cmp -s - "$venv/.stamp"; }
exec 9>>"$venv.lock" || exit 70
flock 9
if ready; then
  echo 'environment: ready'
  exit
fi
python=$(find_python) || fail 'no Python 3.11 or newer with its venv module: sudo apt-get install python3-venv'
echo "environment: making it with $python from $file"
rm -f "$venv/.stamp"
"$python" -m venv --clear "$venv" || fail "$venv cannot be made"
"$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check -r "$file" || fail "pip: $file"
"$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --no-deps -r "$apart" || fail "pip: $apart"
[ -x "$venv/bin/fab" ] || fail "$file does not name what fab needs (docs/own-project.md)"
wanted >"$venv/.stamp"
