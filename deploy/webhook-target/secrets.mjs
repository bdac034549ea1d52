// The part of the example that makes secrets for machines. They leave it sealed: Readmit passes on what only the consumers can open.
import { randomBytes, randomUUID } from 'node:crypto';
import { CompactEncrypt } from 'jose';
import { Refused } from './refused.mjs';

const machines = { payroll: { id: 'machine-3', secrets: [{ id: 'secret-1', madeBy: 'nobody' }] } };
const machineOf = (object) =>
  Object.hasOwn(machines, object)
    ? machines[object]
    : Object.values(machines).find(({ secrets }) => secrets.some(({ id }) => id === object));

/** Whether it is a machine here, or a secret of one. A secret that is gone is still known by its prefix. */
export const knows = (object) => machineOf(object) !== undefined || object.startsWith('secret-');

const currentOf = ({ secrets }) => secrets.find(({ madeBy }) => madeBy === 'nobody');
const facetsOf = (machine) => [
  { name: 'current', value: currentOf(machine)?.id ?? 'none' },
  { name: 'issued', value: machine.secrets.some(({ madeBy }) => madeBy !== 'nobody') ? 'yes' : 'no' },
];

export const calls = {
  plan({ ask: { object } }) {
    const machine = machineOf(object);
    const old = currentOf(machine)?.id;
    return {
      facets: facetsOf(machine),
      identity: [{ name: 'machine', value: machine.id }],
      step: {
        kind: 'secret.issue',
        says: `Make a new secret for ${object}.`,
        undoSays: `Destroy the new secret of ${object}.`,
        touches: ['current', 'issued'],
      },
      ...(old && { old: { object: old, identity: [{ name: 'secret', value: old }], says: `Destroy ${old} of ${object}.` } }),
    };
  },
  read: ({ ask }) => ({ facets: facetsOf(machineOf(ask.object)) }),
  observe: () => ({}), // { takenOver: true } as soon as the new secret is in use and the old one is not
  async execute({ caseId, step, facets, recipients }) {
    const machine = machineOf(step.object);
    const planned = facets.find(({ name }) => name === 'current')?.value;
    if (planned !== (currentOf(machine)?.id ?? 'none')) throw new Refused('changed', 'the current secret is not the one of the plan');
    const secret = { id: `secret-${randomUUID()}`, madeBy: caseId, value: randomBytes(24).toString('base64url') };
    const text = JSON.stringify({ connector: 'webhook', object: step.object, username: secret.id, password: secret.value });
    const sealed = await Promise.all(
      recipients.map(async ({ sealing, fingerprint }) => {
        const jwe = new CompactEncrypt(Buffer.from(text));
        jwe.setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', kid: fingerprint, cty: 'application/json' });
        return { recipient: fingerprint, jwe: await jwe.encrypt(sealing) };
      }),
    );
    // A secret of this case that is there already is from a call that crashed: nobody may have received it.
    machine.secrets = [...machine.secrets.filter(({ madeBy }) => madeBy !== caseId), secret];
    return { sealed, made: [{ name: 'secret', value: secret.id }] };
  },
  undo({ caseId, undo }) {
    const old = undo.identity.find(({ name }) => name === 'secret')?.value;
    for (const machine of Object.values(machines))
      machine.secrets = machine.secrets.filter(({ id, madeBy }) => (old ? id !== old : madeBy !== caseId));
    return { undone: true, sessionsEnded: 0 };
  },
};
