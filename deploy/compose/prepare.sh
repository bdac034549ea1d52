#!/bin/sh
# Creates what `docker compose up` needs, once: passwords, and with `readmit setup` the database, its roles and the keys. Running it again
# changes nothing that exists. Run it in the folder of docker-compose.yml, as root or as the user with id 1000: the containers run as 1000
# and accept secrets only from files that nobody else can read.
set -eu
umask 077
here=$(cd "$(dirname "$0")/../.." && pwd)
cd "$here"
[ -f .env ] || { echo 'there is no .env: copy deploy/compose/example.env to .env and fill it in' >&2; exit 1; }
secrets=$(sed -n 's/^READMIT_SECRETS=//p' .env | tail -n 1)
secrets=${secrets:-./secrets}
me=$(id -u)
if [ "$me" != 0 ] && [ "$me" != 1000 ]; then
  echo "run this as root or as the user with id 1000, not $me: the files must belong to the user that the containers run as" >&2
  exit 1
fi

# 192 random bits, in characters that need no quoting; without a newline, because Kafka uses the file verbatim.
password() {
  [ -s "$1" ] || head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' > "$1"
}
mkdir -p "$secrets"
password "$secrets/postgres.password"
printf 'postgres:5432:*:postgres:%s\n' "$(cat "$secrets/postgres.password")" > "$secrets/pgpass"
# The database's self-signed certificate, for its name in the container network; clients verify it.
[ -s "$secrets/database-ca.pem" ] ||
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 3650 -subj /CN=postgres \
    -addext subjectAltName=DNS:postgres -keyout "$secrets/database.key" -out "$secrets/database-ca.pem" 2> /dev/null
# Mailpit's, in the same way; intake trusts it if READMIT_SMTP_CA names it.
[ -s "$secrets/mailpit.pem" ] ||
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 3650 -subj /CN=mailpit \
    -addext subjectAltName=DNS:mailpit -keyout "$secrets/mailpit.key" -out "$secrets/mailpit.pem" 2> /dev/null
# One channel of notices needs the one, the other at most the other; a container starts only if both exist.
for file in readmit-intake.secret smtp.password; do
  [ -e "$secrets/$file" ] || : > "$secrets/$file"
done
for user in broker admin intake classification approval execution revocation-scheduler audit; do
  password "$secrets/kafka-$user.password"
done
[ "$me" != 0 ] || chown -R 1000:1000 "$secrets"

docker compose build setup
docker compose run --rm setup
root=$(sed -n 's/.*"x" *: *"\([A-Za-z0-9_-]\{43\}\)".*/\1/p' "$secrets/keys/trust.json")
[ -n "$root" ] || { echo "no root key in $secrets/keys/trust.json" >&2; exit 1; }
if grep -q '^READMIT_ROOT_KEY=' .env; then
  grep -qx "READMIT_ROOT_KEY=$root" .env || { echo "READMIT_ROOT_KEY in .env is not that of $secrets/keys: $root" >&2; exit 1; }
else
  printf 'READMIT_ROOT_KEY=%s\n' "$root" >> .env
fi

needed=targets.json
grep -q '^READMIT_NOTICE_CHANNEL=smtp' .env || needed="$needed readmit-intake.secret"
! grep -q '^READMIT_SMTP_USERNAME=.' .env || needed="$needed smtp.password"
for file in $needed; do
  [ -s "$secrets/$file" ] || echo "still missing: $secrets/$file (mode 0600, owner 1000), see docs/operations.md"
done
[ ! -e "$secrets/keys/root-belongs-offline.jwk" ] ||
  echo "move $secrets/keys/root-belongs-offline.jwk offline now: anyone who has it can sign new service keys, and no service needs it"
