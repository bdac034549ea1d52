// An example target for Readmit's webhook connector (docs/webhook-target.md). It keeps its accounts in memory: put your system in place of `people`.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { Refused } from './refused.mjs';
import * as secrets from './secrets.mjs';

const webhook = new Webhook(readFileSync(process.env.RECEIVER_SECRET_FILE ?? 'receiver.secret', 'utf8').trim());
const people = { ada: { id: 'account-17', locked: true, standing: new Set(['staff']), given: new Set() } };
const entitlements = { staff: 'group-1', finance: 'group-4', 'db-admin': 'role-9' };

function find({ object, entitlement, identity = [] }) {
  const person = Object.hasOwn(people, object) ? people[object] : undefined;
  if (!person) throw new Refused('not-found', `there is no account ${object}`);
  const ids = { account: person.id };
  if (entitlement !== undefined) {
    if (!Object.hasOwn(entitlements, entitlement)) throw new Refused('not-found', `there is no ${entitlement}`);
    ids.entitlement = entitlements[entitlement];
  }
  // Go by ids, never by names: a name may belong to somebody else by now.
  for (const { name, value } of identity)
    if (ids[name] !== value) throw new Refused('changed', `the ${name} is ${ids[name]} now, not ${value}`);
  return { person, identity: Object.entries(ids).map(([name, value]) => ({ name, value })) };
}

/** State, by name. Always give every name, also when the value is "none": Readmit does not take silence for absence. */
function facetsOf({ kind, entitlement }, person) {
  if (kind === 'account.unlock') return [{ name: 'locked', value: person.locked ? 'yes' : 'no' }];
  const held = person.standing.has(entitlement) ? 'standing' : person.given.has(entitlements[entitlement]) ? 'given' : 'none';
  return [{ name: 'membership', value: held }];
}

const calls = {
  plan({ ask }) {
    const { person, identity } = find(ask);
    const facets = facetsOf(ask, person);
    const { object, entitlement } = ask;
    const [{ value }] = facets;
    if (value === 'no' || value === 'standing') return { facets, identity }; // nothing to do
    const unlock = { kind: 'account.unlock', says: `Unlock ${object}.`, undoSays: `Lock ${object} again.`, touches: ['locked'] };
    const [says, undoSays] = [`Give ${entitlement} to ${object}.`, `Take ${entitlement} from ${object}.`];
    const grant = { kind: 'role.grant', says, undoSays, touches: ['membership'] };
    return { facets, identity, step: ask.kind === 'account.unlock' ? unlock : grant };
  },
  read: ({ ask }) => ({ facets: facetsOf(ask, find(ask).person) }),
  observe: () => ({}),
  /** `readmit connector check`: look at your own system and rights, and change nothing. */
  check: () => ({ at: new Date().toISOString(), checks: [{ check: 'accounts', result: 'ok', message: 'sees its accounts' }] }),
  /** Repeated after a crash: look first, then do what is missing. */
  execute({ step }) {
    const { person } = find(step);
    if (step.kind === 'account.unlock') person.locked = false;
    else if (person.standing.has(step.entitlement)) throw new Refused('changed', 'somebody else gave it meanwhile');
    else person.given.add(entitlements[step.entitlement]);
    return {};
  },
  /** Take back only what Readmit gave, by ids alone; answer only when it is gone. */
  undo({ undo }) {
    const idOf = (what) => undo.identity.find(({ name }) => name === what)?.value;
    const person = Object.values(people).find(({ id }) => id === idOf('account'));
    // No such account: it was deleted, and what was given is gone with it. That is undone, not an error.
    if (person && undo.kind === 'role.revoke') person.given.delete(idOf('entitlement'));
    else if (person) person.locked = true; // enrolment.withdraw: the subject says "this was not me"
    return { undone: true, sessionsEnded: 0 };
  },
};

const server = createServer(async (request, response) => {
  const answer = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  let message;
  try {
    message = webhook.verify(Buffer.concat(chunks), request.headers); // fails for a wrong signature or an old timestamp
  } catch (error) {
    return answer(401, { code: 'refused', effect: 'none', message: error.message });
  }
  try {
    const subject = (message.ask ?? message.step ?? message.undo)?.object;
    const call = (subject !== undefined && secrets.knows(subject) ? secrets.calls : calls)[message.call];
    if (message.version !== 1 || call === undefined) throw new Refused('unsupported', 'this receiver is for version 1');
    answer(200, await call(message));
  } catch (error) {
    if (error instanceof Refused) answer(409, { code: error.code, effect: 'none', message: error.message });
    else answer(500, { code: 'refused', effect: 'unknown', message: 'an error of the receiver; see its log' });
  }
});
server.listen(Number(process.env.RECEIVER_PORT ?? 9700), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
