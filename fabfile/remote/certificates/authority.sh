#!/usr/bin/env bash
# Sign a certificate by the private authority of this server; make the authority first where it is to be new.
# Arguments: FOLDER SERVER new|kept CONSTRAINTS AUTHORITY_DAYS ALTERNATIVES DAYS.
# FOLDER/authority.pem holds the authority's key and certificate, FOLDER/live the newest pair,
# FOLDER/archive/SERVER/cert*.pem what was signed before. Nothing of it is mounted anywhere.
set -euo pipefail
folder=$1 server=$2 authority=$3 constraints=$4 authority_days=$5 alternatives=$6 days=$7
umask 077
mkdir -p "$folder/live" "$folder/archive/$server"
chmod 700 "$folder"
work=$(mktemp -d "$folder/making.XXXXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 143' HUP INT TERM PIPE
cat >"$work/openssl.cnf" <<END
[req]
distinguished_name = nobody
prompt = no
[nobody]
[authority]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
nameConstraints = critical,$constraints
[certificate]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = $alternatives
END
new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }
request() { openssl req -new -config "$work/openssl.cnf" -key "$1" -subj "/CN=$2" "${@:3}"; }

if [ "$authority" = new ]; then
  new_key "$work/authority.key"
  request "$work/authority.key" "Private authority of $server, $(date -u +%Y-%m-%dT%H:%M:%SZ)" \
    -x509 -days "$authority_days" -extensions authority -out "$work/authority.crt"
  cat "$work/authority.key" "$work/authority.crt" >"$work/authority.pem"
  mv -f "$work/authority.pem" "$folder/authority.pem"
fi
new_key "$work/privkey.pem"
request "$work/privkey.pem" "$server" -out "$work/request.pem"
number=$(openssl rand -hex 16)
openssl x509 -req -in "$work/request.pem" -CA "$folder/authority.pem" -CAkey "$folder/authority.pem" \
  -set_serial "0x$number" -days "$days" -extfile "$work/openssl.cnf" -extensions certificate \
  -out "$work/cert.pem" 2>/dev/null
cp "$work/cert.pem" "$folder/archive/$server/cert-$number.pem"
{
  cat "$work/cert.pem"
  openssl x509 -in "$folder/authority.pem"
} >"$work/fullchain.pem"
mv -f "$work/privkey.pem" "$work/fullchain.pem" "$folder/live"
