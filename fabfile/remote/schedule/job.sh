#!/bin/sh
# Run one task of the collection, as cron does. Arguments: TASK [FLAG...].
# It stands in ROOT/operator, which fab cron.install makes, beside the hosts.ini of this server. The
# collection is the one of the commit that is deployed; when that needs other packages, they are
# installed first. Prints nothing unless the task fails: what is printed is mailed by cron.
# logs/TASK.log has every run. jobs/TASK is the task's lock; the times of jobs/TASK.success and
# jobs/TASK.failure (with the error in it) say how it last ended.
# app:NAME is a job of the application's own: it waits for no other one, and cron.run does it.
# Exit codes: 75 it is running already, or another job did not end in time; else the task's own.
set -u
umask 077
longest=21600 # seconds that a job may take, and that another one waits for it
largest=1048576 # bytes of a log, after which it is put aside as TASK.log.1
operator=$(cd "$(dirname "$0")" && pwd) || exit 70
task=$1
log=$operator/logs/$task.log
last=$operator/jobs/$task
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOSTS_INI="$operator/hosts.ini" WISHWITHME_JOB="$task" PYTHONUTF8=1 PYTHONDONTWRITEBYTECODE=1
tell() { printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" >>"$log"; }

# Ours one after the other: they would only be in each other's way.
run() {
    case $task in
        app:*) set -- cron.run "${task#app:}" ;;
        cron.heal) ;; # the server's own lock tells it when to wait
        *)
            flock --wait "$longest" 8 || {
                echo "error: another job did not end within $((longest / 3600)) h"
                return 75
            }
            ;;
    esac
    checkout=$(sed -n 's/^path = //p' "$HOSTS_INI")
    "$operator/environment" || return
    timeout --kill-after=60 "$longest" "$operator/venv/bin/fab" --search-root "$checkout" "$@"
}

exec 8>>"$operator/jobs/lock" 9>>"$last" || exit 70
flock --nonblock 9 || {
    tell "$task is running still; nothing is done"
    echo "$task is running still, see $log"
    exit 75
}
if [ "$(stat -c %s "$log" 2>/dev/null || echo 0)" -gt "$largest" ]; then mv -f "$log" "$log.1"; fi
tell "begin: $*"
start=$(stat -c %s "$log")
run "$@" >>"$log" 2>&1 </dev/null
code=$?
said=$(tail -c "+$((start + 1))" "$log")
tell "end: exit code $code"
if [ "$code" -eq 0 ]; then
    : >"$last.success"
    exit 0
fi
why=$(printf '%s\n' "$said" | grep '^error: ' | tail -n 1 | cut -c 8-300)
printf '%s\n' "${why:-exit code $code}" >"$last.failure"
printf '%s failed with exit code %s:\n%s\n' "$task" "$code" "$said"
exit "$code"
