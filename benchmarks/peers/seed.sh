#!/usr/bin/env bash
# The seed's workflow as a plain script, step for step: each "ssh" is one step of it. Arguments: deploy|rollback BEFORE AFTER.
# By environment: CLONE, a clone with both commits; SSH_CONFIG, which knows "ubuntu".
set -euo pipefail
verb=$1 before=$2 after=$3
checkout=/home/ubuntu/wish-with-me-codex
on() { ssh -F "$SSH_CONFIG" ubuntu "cd $checkout && $1" </dev/null; }
# each SERVICE COMMAND: in every container of it.
each() { on "for one in \$(docker compose ps -q $1); do docker exec \$one $2 || exit 1; done"; }

# 1. Detect changes
changed() { git -C "$CLONE" diff --name-only "$before" "$after" -- "$@" | grep -q .; }
services=''
if changed services/frontend; then services="$services frontend"; fi
if changed services/core-api; then services="$services core-api"; fi
if changed nginx compose; then services="$services nginx"; fi
if [ -z "$services" ]; then
    echo "nothing changed"
    exit
fi

if [ "$verb" = rollback ]; then
    on "git reset -q --hard HEAD~1"
    on "docker compose build$services"
    on "docker compose up -d --no-deps$services"
    echo "rolled back"
    exit
fi

# 2. Deploy
on "git pull -q origin main"
on "docker compose build$services"
case $services in
    *core-api*) on "docker compose run --rm -T core-api alembic upgrade head" ;;
esac
on "docker compose up -d --no-deps$services"
sleep 20
for service in $services; do
    case $service in
        core-api) each core-api "python -c 'import urllib.request as u; u.urlopen(\"http://127.0.0.1:8000/live\", timeout=5)'" ;;
        frontend) each frontend "wget -q -O /dev/null http://127.0.0.1/" ;;
        nginx) curl -fsSk -o /dev/null "https://$EDGE/health" ;;
    esac
done
echo "deployed$services"
