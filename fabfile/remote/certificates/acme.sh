#!/usr/bin/env bash
# Have certbot keep a certificate: a new one when it is due, when the names have changed, or by force.
# Arguments: ROOT DIRECTORY NAME DOMAINS EMAIL due|force LONGEST.
# DOMAINS: with commas between them; EMAIL: empty for none; LONGEST: seconds that it may take.
# Exit codes: 75 a failure that passes: another try may do better; 73 no file can be made; else certbot's own.
# The proxy serves ROOT/proxy/acme on port 80; no hook: what certbot got is put in place by who called this.
set -uo pipefail
root=$1 directory=$2 name=$3 domains=$4 email=$5 mode=$6 longest=$7
export LC_ALL=C.UTF-8
umask 077
# How certbot's log ends when the directory, or the way to it, fails in passing. What certbot prints names no
# kinds of errors; one that it got over by itself stands in the log too, but not behind an exception's name.
passing='^acme\.messages\.Error: urn:ietf:params:acme:error:(badNonce|serverInternal)'
passing+='|^acme\.errors\.ClientError: <Response \[5|^ValueError: Requesting |^requests\.exceptions\.'
words=(certonly --non-interactive --agree-tos --webroot --webroot-path "$root/proxy/acme"
  --config-dir "$root/acme" --work-dir "$root/acme/work" --logs-dir "$root/acme/logs" --max-log-backups 20
  --server "$directory" --cert-name "$name" --domains "$domains" --renew-with-new-domains
  --preferred-challenges http --key-type ecdsa --no-directory-hooks)
if [ -n "$email" ]; then
  words+=(--email "$email")
else
  words+=(--register-unsafely-without-email)
fi
if [ "$mode" = force ]; then
  words+=(--force-renewal)
else
  words+=(--keep-until-expiring)
fi

mkdir -p "$root/acme" && chmod 700 "$root/acme" || exit 73
(umask 022 && mkdir -p "$root/proxy/acme") || exit 73
said=$(mktemp "${TMPDIR:-/tmp}/wishwithme-acme.XXXXXXXX") || exit 73
trap 'rm -f "$said"' EXIT
trap 'exit 143' HUP INT TERM PIPE
timeout --kill-after=5 "$longest" certbot "${words[@]}" >"$said" 2>&1 </dev/null
code=$?
cat "$said"
[ "$code" -eq 0 ] || ! grep -qsE "$passing" "$root/acme/logs/letsencrypt.log" || exit 75
exit "$code"
