#!/bin/sh
# Runs whenever the container starts, before nginx: tells nginx.conf the address in API_URL.
set -eu

refuse() {
    printf 'API_URL=%s: an address like https://api.example.org is needed, without a path, or /\n' "$API_URL" >&2
    exit 1
}

# It is written into nginx's configuration, so nothing passes but what a host and a port are made of.
# A / is the address that the page itself comes from.
case $API_URL in
    / | http://* | https://*) ;;
    *) refuse ;;
esac
host=${API_URL#*://}
case $host in
    /) API_URL='' ;;
    '' | *[!A-Za-z0-9.:-]*) refuse ;;
esac

# PAGE_STATE is for the tests; in the image it is where nginx.conf looks, on a tmpfs.
folder=${PAGE_STATE:-/run/page}
mkdir -p "$folder"
cat >"$folder/api-url.conf" <<END
map "" \$api_url {
    default "$API_URL";
}
END
