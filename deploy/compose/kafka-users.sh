#!/bin/bash
# Sets the SCRAM password of every Readmit principal, over the listener that is reachable only in this container's network. Idempotent: sets
# the passwords in the files. Passwords are passed in files, because arguments of a process are visible.
set -euo pipefail
umask 077
secrets=${KAFKA_USERS_SECRETS:-/run/secrets}
bootstrap=${KAFKA_USERS_BOOTSTRAP:-127.0.0.1:9094}
kafka=${KAFKA_HOME:-/opt/kafka}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/broker.properties" << PROPERTIES
security.protocol=SASL_PLAINTEXT
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="broker" password="$(cat "$secrets/kafka-broker.password")";
PROPERTIES

set_password() {
  printf 'SCRAM-SHA-512=password=%s\n' "$(cat "$secrets/$2.password")" > "$work/scram.properties"
  "$kafka/bin/kafka-configs.sh" --bootstrap-server "$bootstrap" --command-config "$work/broker.properties" \
    --alter --entity-type users --entity-name "$1" --add-config-file "$work/scram.properties"
}
set_password admin kafka-admin
for service in intake classification approval execution revocation-scheduler audit; do
  set_password "readmit-$service" "kafka-$service"
done
