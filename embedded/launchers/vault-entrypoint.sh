#!/bin/sh
# What the image's entrypoint does for `server` when it is not root: the configuration in the environment becomes a file,
# beside which the arguments may name others.
set -e
[ "$1" = server ] || exec vault "$@"
shift
[ -z "$VAULT_LOCAL_CONFIG" ] || echo "$VAULT_LOCAL_CONFIG" > /vault/config/local.json
exec vault server -config=/vault/config "$@"
