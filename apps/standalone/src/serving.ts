/** What the launcher prints when it stays: where things are, and what to try. `state`: the state folder as it is typed. */
import type { RealTargets } from './real/real-targets.js';
import type { System } from './system.js';

export const serving = (system: System, state: string): string => `
  Serving. Ctrl-C stops everything.

    API and its OpenAPI page   ${system.origin}/docs
    demo identity provider     ${system.demo.url}  (mailbox: ${system.demo.mailboxUrl})
    data, keys and logs        ${system.stateDir}
${guests(system)}
  Try next, in another terminal:

    export READMIT_URL=${system.origin} READMIT_ISSUER=${system.demo.issuer}
    as() { who=$1; shift; READMIT_HOME=${state}/homes/$who npx readmit "$@"; }      # a separate folder for each person
    for who in erin boris chidi dana; do as $who login --as $who; done
    as erin case open --subject erin --ask role.restore=target-postgres/erin/app_admin --reason-code role-lost --reason "the sync took it" --ticket OPS-4711 --for 10m
    as boris inbox                               # what waits for Boris, why, and the next command
    as boris case contacts <case> --show 1       # masked without --show; each look is recorded
    as boris evidence add <case> --kind call-back --channel phone --assurance substantial --note "called" --contact phone
    as chidi approve <case> --reason checked --key ${state}/demo/keys/chidi.jwk
    as dana approve <case> --reason checked --key ${state}/demo/keys/dana.jwk
    as erin case show <case>                     # granted
    as erin case end <case> --reason "done early"
    as erin case watch <case>                    # until it is closed; case timeline shows each step
`;

/** With `--real`: people sign in at Keycloak. */
export const servingReal = (system: System, { realm, mail }: RealTargets, state: string): string => `
  Serving. Ctrl-C stops everything.

    API and its OpenAPI page   ${system.origin}/docs
    Keycloak                   ${realm.issuer}
    sign-in of the people      passwords and otpauth:// keys of their devices: ${realm.peopleFile}
    mail that was received     ${mail.folder}
    data, keys and logs        ${system.stateDir}
${guests(system)}
  Try next, in another terminal. Each login opens the page of Keycloak in your browser, or prints its address:

    export READMIT_URL=${system.origin} READMIT_ISSUER=${system.issuer}
    as() { who=$1; shift; READMIT_HOME=${state}/homes/$who npx readmit "$@"; }      # a separate folder for each person
    as erin login
    as erin case open --subject erin --ask group.restore=directory/erin/finance-admins --reason-code role-lost --reason "the sync took it" --ticket OPS-4711 --for 10m
    as boris login
    as boris inbox                               # what waits for Boris, why, and the next command
`;

const guests = ({ kafkaGuests }: System): string =>
  kafkaGuests
    .map(
      ({ user, brokers, settingsFile }) =>
        `    Kafka at ${brokers.join(',')} as ${user}: settings for librdkafka, password included, in ${settingsFile}\n`,
    )
    .join('');
