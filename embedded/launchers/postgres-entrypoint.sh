#!/bin/sh
# What the entrypoint of the image `postgres` does: makes the database cluster at the first start, then becomes the server.
set -eu
umask 077
if [ "${1#-}" != "$1" ]; then set -- postgres "$@"; fi
if [ "$1" != postgres ]; then exec "$@"; fi

value() { # NAME or the file that NAME_FILE names
  eval "plain=\${$1-} file=\${$1_FILE-}"
  if [ -n "$file" ]; then cat "$file"; else printf %s "$plain"; fi
}

if [ -d /docker-entrypoint-initdb.d ]; then
  echo "The process node does not run the files in /docker-entrypoint-initdb.d." >&2
  exit 1
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  password=$(value POSTGRES_PASSWORD)
  if [ -z "$password" ]; then
    echo "POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE must be set: the database has no superuser password yet." >&2
    exit 1
  fi
  # One that was interrupted is not yet anybody's data.
  draft="$PGDATA.new"
  rm -rf "$draft"
  # A pipe, so that the password is in no file and in no argument.
  printf '%s\n' "$password" | eval "initdb --pgdata=\"\$draft\" --username=\"\${POSTGRES_USER:-postgres}\" --pwfile=/dev/stdin ${POSTGRES_INITDB_ARGS-}"
  printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >> "$draft/pg_hba.conf"
  database=${POSTGRES_DB:-${POSTGRES_USER:-postgres}}
  if [ "$database" != postgres ]; then
    printf 'CREATE DATABASE "%s"\n' "$database" | postgres --single -D "$draft" postgres >/dev/null
  fi
  if [ -d "$PGDATA" ]; then rmdir "$PGDATA"; fi
  mv "$draft" "$PGDATA"
fi
unset POSTGRES_PASSWORD
exec "$@" -D "$PGDATA" -c "listen_addresses=$LISTEN_ADDRESS" -c unix_socket_directories=/var/run/postgresql
